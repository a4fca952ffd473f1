/** Exit statuses of the program; the unit file and scripts rely on them. */
export const ExitCode = {
  ok: 0,
  /** It did not work; `status`: something is down. */
  failed: 1,
  /** Wrong usage. */
  usage: 2,
  /** `status`: nothing is running there. */
  notRunning: 3,
  /** `install`: not enough privilege. */
  noPrivilege: 4,
  /** The configuration is not valid (EX_CONFIG of sysexits.h). */
  badConfig: 78,
} as const;
