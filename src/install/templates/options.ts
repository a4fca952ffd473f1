/** The file of command line options, read by the unit (systemd's grammar) and sourced by the init script: one `KEY="value"` a line. */
export function options(): string {
  return `# Further options of "haproxy-lite serve".
OPTIONS=""
`;
}
