import { CONNECTION_LOG, SERVICE, STATUS_LOG } from "../paths.ts";

/** What rsyslog's own files already do with UDP: a module that is loaded twice is an error. */
export type RsyslogUdp = "absent" | "loaded" | "listening";

/** The least severe level of what is no connection: notice (RFC 5424 §6.2.1). */
const NOTICE = 5;

/** Ours by facility and program name: our own, and HAProxy's, which is the default of `[[log]] tag`. */
const OURS = 'if $syslogfacility-text == "local0" and ($programname == "haproxy" or $programname == "haproxy-lite")';

/**
 * The rsyslog drop-in, RainerScript (rsyslog 7 and later): connections and changes of state into a file each.
 *
 * @param udp what the host's other rsyslog files do already
 */
export function rsyslog(udp: RsyslogUdp): string {
  return `# haproxy-lite sends its log to 127.0.0.1:514 as facility local0: one line a connection at level info, changes of
# state at notice and above. A HAProxy on this host that logs to local0 is taken along: give one of them another facility.
${udp === "absent" ? 'module(load="imudp")' : "# imudp is loaded by another file."}

ruleset(name="haproxy-lite") {
    if $syslogseverity <= ${NOTICE} then {
        ${file(STATUS_LOG)}
    } else {
        ${file(CONNECTION_LOG)}
    }
}

# What comes by UDP is looked at here first, whatever the files before this one do with it.
ruleset(name="haproxy-lite-udp") {
    ${OURS} then {
        call haproxy-lite
        stop
    }
    call RSYSLOG_DefaultRuleset
}
${
  udp === "listening"
    ? "# UDP port 514 is opened by another file."
    : 'input(type="imudp" address="127.0.0.1" port="514" ruleset="haproxy-lite-udp")'
}

# What comes another way: by /dev/log, or by a UDP port of another file.
${OURS} then {
    call haproxy-lite
    stop
}
`;
}

function file(path: string): string {
  return `action(type="omfile" file="${path}" template="RSYSLOG_TraditionalFileFormat"
               fileOwner="${SERVICE}" fileGroup="${SERVICE}" fileCreateMode="0640" createDirs="off")`;
}

/**
 * What the text of rsyslog's files (all of them, ours left out) does with UDP: legacy directives and RainerScript, comments
 * ignored.
 */
export function readRsyslogUdp(text: string): RsyslogUdp {
  const live = text.replace(/^\s*#.*$/gm, "");
  const module = /^\s*\$ModLoad\s+imudp|\bmodule\s*\([^)]*\bload\s*=\s*"imudp(?:\.so)?"/im.test(live);
  if (!module) return "absent";
  const inputs = [...live.matchAll(/\binput\s*\(([^)]*)\)/gi)].map(([, inside = ""]) => inside);
  const listens =
    /^\s*\$UDPServerRun\s+514\b/im.test(live) ||
    inputs.some((inside) => /type\s*=\s*"imudp"/i.test(inside) && /port\s*=\s*[^)]*"514"/i.test(inside));
  return listens ? "listening" : "loaded";
}
