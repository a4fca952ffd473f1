/**
 * Long name of every health check result, as in HAProxy's log (`reason: …`) and in the CSV column `check_desc`.
 * The keys are the codes of the CSV column `check_status`.
 */
export const CHECK_DESCRIPTION = {
  UNK: "Unknown",
  INI: "Initializing",
  SOCKERR: "Socket error",
  L4OK: "Layer4 check passed",
  L4TOUT: "Layer4 timeout",
  L4CON: "Layer4 connection problem",
  L6OK: "Layer6 check passed",
  L6TOUT: "Layer6 timeout",
  L6RSP: "Layer6 invalid response",
  L7OK: "Layer7 check passed",
  L7OKC: "Layer7 check conditionally passed",
  L7TOUT: "Layer7 timeout",
  L7RSP: "Layer7 invalid response",
  L7STS: "Layer7 wrong status",
  PROCERR: "External check error",
  PROCTOUT: "External check timeout",
  PROCOK: "External check passed",
  HANA: "Health analyze",
  CHECKED: "No status change",
} as const satisfies Readonly<Record<string, string>>;

/** Code of a health check result: `L4OK`, `L7TOUT`, `SOCKERR`, … */
export type CheckStatus = keyof typeof CHECK_DESCRIPTION;
