import { LOG_DIRECTORY, SERVICE } from "../paths.ts";

/** The logrotate file. rsyslog, which writes the logs, is told to open new ones; the balancer need not know. */
export function logrotate(): string {
  return `${LOG_DIRECTORY}/*.log {
    daily
    rotate 14
    maxsize 500M
    missingok
    notifempty
    compress
    delaycompress
    sharedscripts
    # The directory is the service's: root must not follow links that it may have put there.
    su ${SERVICE} ${SERVICE}
    create 0640 ${SERVICE} ${SERVICE}
    postrotate
        if [ -d /run/systemd/system ]; then
            systemctl kill -s HUP rsyslog.service >/dev/null 2>&1 || :
        else
            for pid in /run/rsyslogd.pid /run/syslogd.pid /var/run/rsyslogd.pid /var/run/syslogd.pid; do
                [ -s "$pid" ] && kill -HUP "$(cat "$pid")" 2>/dev/null && break
            done || :
        fi
    endscript
}
`;
}
