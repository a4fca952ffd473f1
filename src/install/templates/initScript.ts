import { CONFIG, PID_FILE, PROGRAM, RUN_DIRECTORY } from "../paths.ts";

/** Start order among the services of a runlevel; the convention for stopping is 100 less that. */
export const START_PRIORITY = 86;
/** Stop order. */
export const STOP_PRIORITY = 100 - START_PRIORITY;

/**
 * The SysV init script: POSIX sh, on its own, exit statuses of LSB 5.0 (Core, "Init Script Actions").
 *
 * @param optionsFile file with `OPTIONS="…"`, sourced when there
 */
export function initScript(optionsFile: string): string {
  return `#!/bin/sh
# chkconfig: 2345 ${START_PRIORITY} ${STOP_PRIORITY}
# description: haproxy-lite is a TCP load balancer that owns its virtual IP \\
#              address by VRRP.
# processname: haproxy-lite
# config: ${CONFIG}
# config: ${optionsFile}
# pidfile: ${PID_FILE}
#
### BEGIN INIT INFO
# Provides:          haproxy-lite
# Required-Start:    $network $remote_fs $syslog
# Required-Stop:     $network $remote_fs $syslog
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: TCP load balancer with its own virtual IP
# Description:       Balances TCP services over healthy servers, and owns the
#                    virtual IP address by speaking VRRP with its peer.
### END INIT INFO

NAME=haproxy-lite
PROGRAM=${PROGRAM}
CONFIG=${CONFIG}
RUN_DIRECTORY=${RUN_DIRECTORY}
# Ours, whatever the configuration says: it may change while the service runs.
PID_FILE=${PID_FILE}
# At shutdown, rc stops only services that have this file.
LOCK_FILE=/var/lock/subsys/$NAME
# Longest wait for a stop, in seconds: above [global] hard_stop_after.
STOP_WAIT=60
OPTIONS=

PATH=/sbin:/usr/sbin:/bin:/usr/bin
export PATH
# Hardened hosts give services 077, and status must be able to read the pid file.
umask 022

# shellcheck source=/dev/null
[ -r ${optionsFile} ] && . ${optionsFile}

say() { echo "$NAME: $*"; }

fail() { # STATUS MESSAGE
  status=$1
  shift
  say "$*" >&2
  exit "$status"
}

# Whether the process is this program, and not one that has got its number since.
is_ours() { # PID
  exe=$(readlink "/proc/$1/exe" 2>/dev/null)
  # An upgrade puts another file in the place of the one that runs.
  exe=\${exe% (deleted)}
  [ -n "$exe" ] && { [ "$exe" = "$PROGRAM" ] || [ "$exe" = "$(readlink -f "$PROGRAM")" ]; } && return 0
  # Only root may see what a process of root's runs.
  [ -n "$exe" ] || [ "$(id -u)" -eq 0 ] && return 1
  case $(cat "/proc/$1/comm" 2>/dev/null) in
    haproxy-lite*) return 0 ;;
  esac
  return 1
}

# Sets pid. 0: running; 1: not; 4: nobody can tell.
find_pid() {
  pid=
  [ -e "$PID_FILE" ] || return 1
  [ -r "$PID_FILE" ] || return 4
  read -r pid <"$PID_FILE"
  case $pid in
    '' | *[!0-9]*) return 1 ;;
  esac
  is_ours "$pid"
}

need_root() {
  [ "$(id -u)" -eq 0 ] || fail 4 "only root can $1 the service"
}

need_program() {
  [ -x "$PROGRAM" ] || fail 5 "$PROGRAM is not installed"
}

need_config() {
  [ -r "$CONFIG" ] || fail 6 "$CONFIG does not exist"
}

need_good_config() {
  need_program
  need_config
  "$PROGRAM" check --quiet --config "$CONFIG" || fail 6 "$CONFIG is not valid: nothing was changed"
}

start() {
  need_root start
  need_program
  if find_pid; then
    say "already running (pid $pid)"
    return 0
  fi
  need_config
  # It belongs to root: the proxy process must not be able to replace sockets and pid file.
  if ! mkdir -p "$RUN_DIRECTORY" || ! chmod 0755 "$RUN_DIRECTORY"; then
    fail 1 "cannot make $RUN_DIRECTORY"
  fi
  cd / || exit 1
  # OPTIONS is a list of words.
  # shellcheck disable=SC2086
  "$PROGRAM" serve --daemon --pidfile "$PID_FILE" --config "$CONFIG" $OPTIONS </dev/null
  case $? in
    0) ;;
    78) fail 6 "$CONFIG is not valid" ;;
    *) fail 1 "did not start" ;;
  esac
  find_pid || fail 1 "started, but $PID_FILE does not say so"
  [ -d "\${LOCK_FILE%/*}" ] && : >"$LOCK_FILE"
  say "started (pid $pid)"
}

# 0: it has ended in time.
wait_for_end() { # PID SECONDS
  tenths=0
  while is_ours "$1"; do
    [ "$tenths" -ge "$(($2 * 10))" ] && return 1
    # sleep of POSIX takes whole seconds only.
    if sleep 0.2 2>/dev/null; then
      tenths=$((tenths + 2))
    else
      sleep 1
      tenths=$((tenths + 10))
    fi
  done
}

stop() {
  need_root stop
  if find_pid; then
    kill -TERM "$pid" || fail 1 "cannot stop pid $pid"
    if ! wait_for_end "$pid" "$STOP_WAIT"; then
      say "pid $pid has not ended after $STOP_WAIT s: killed" >&2
      kill -KILL "$pid"
      wait_for_end "$pid" 5 || fail 1 "pid $pid cannot be killed"
    fi
    say "stopped"
  else
    say "not running"
  fi
  # What a crash has left behind.
  rm -f "$PID_FILE" "$LOCK_FILE" || fail 1 "cannot remove $PID_FILE and $LOCK_FILE"
}

restart() {
  need_root restart
  # While the old one still serves.
  need_good_config
  stop
  start
}

reload() {
  need_root reload
  need_program
  find_pid || fail 7 "not running"
  need_good_config
  kill -HUP "$pid" || fail 1 "cannot signal pid $pid"
  say "told to reload (pid $pid)"
}

status() {
  find_pid
  case $? in
    0)
      say "running (pid $pid)"
      return 0
      ;;
    4)
      say "unknown: $PID_FILE cannot be read"
      return 4
      ;;
  esac
  if [ -e "$PID_FILE" ]; then
    say "dead, but $PID_FILE exists"
    return 1
  fi
  if [ -e "$LOCK_FILE" ]; then
    say "dead, but $LOCK_FILE exists"
    return 2
  fi
  say "not running"
  return 3
}

usage() {
  echo "Usage: $0 {start|stop|restart|condrestart|try-restart|reload|force-reload|status}" >&2
  exit 2
}

[ $# -eq 1 ] || usage
case $1 in
  start) start ;;
  stop) stop ;;
  restart) restart ;;
  condrestart | try-restart)
    need_root restart
    find_pid || exit 0
    restart
    ;;
  reload | force-reload) reload ;;
  status) status ;;
  *) usage ;;
esac
`;
}
