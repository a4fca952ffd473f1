import { ownerText } from "../item.ts";
import { SERVICE, STATE_DIRECTORY } from "../paths.ts";
import { OLDEST_SYSTEMD, type RpmFile } from "../rpmFiles.ts";

/** What the package says of itself. */
export interface RpmIdentity {
  version: string;
  /** Day of the commit, YYYY/MM/DD. */
  date: string;
  commit: string;
}

/** Name of a file among the sources: its path in one word. */
export function sourceName(path: string): string {
  return path.slice(1).replaceAll("/", "_");
}

/**
 * The spec file of a package around a finished executable. The scriptlets say what Red Hat's systemd macros say, so that the
 * package can be built where those are not.
 */
export function rpmSpec(files: readonly RpmFile[], { version, date, commit }: RpmIdentity): string {
  return `# Stripping a program made by Bun leaves plain Bun: the program is behind the sections of the ELF file.
%global __strip /bin/true
%global __os_install_post %{nil}
%global debug_package %{nil}
%global _build_id_links none
# RHEL 7 and later can read it, and it is made in seconds.
%global _binary_payload w6.gzdio

Name:           ${SERVICE}
Version:        ${version}
Release:        1
Summary:        TCP load balancer with its own virtual IP address
License:        MIT
Group:          System Environment/Daemons
Packager:       ${SERVICE} <root@localhost>
Requires(pre):  shadow-utils
Requires:       logrotate
Requires:       rsyslog
Conflicts:      systemd < ${OLDEST_SYSTEMD}

%description
Balances TCP services over several servers, checks them, logs every connection
the way HAProxy does, and moves virtual IP addresses between hosts by VRRP the
way keepalived does: one executable and one TOML file.

%prep

%build

%install
rm -rf %{buildroot}
${files.map(installLine).join("\n")}

%check
%{buildroot}/usr/sbin/${SERVICE} --version | grep -F "${version} (${commit})"

%pre
getent group ${SERVICE} >/dev/null || groupadd -r ${SERVICE}
getent passwd ${SERVICE} >/dev/null ||
    useradd -r -g ${SERVICE} -M -d ${STATE_DIRECTORY} -s /sbin/nologin -c ${SERVICE} ${SERVICE}
exit 0

%post
if [ "$1" -eq 1 ]; then
    # A module that is loaded twice, and a port that is opened twice, are errors of rsyslog's.
    others=$(ls /etc/rsyslog.conf /etc/rsyslog.d/*.conf 2>/dev/null | grep -v '/${SERVICE}\\.conf$')
    if [ -n "$others" ] && grep -Eq '^[^#]*imudp' $others; then
        sed -i 's/^module(/# &/' /etc/rsyslog.d/${SERVICE}.conf
        if grep -Eq '^[^#]*(UDPServerRun +514|imudp.*port="514")' $others; then
            sed -i 's/^input(/# &/' /etc/rsyslog.d/${SERVICE}.conf
        fi
    fi
    sysctl -e -q -p /usr/lib/sysctl.d/90-${SERVICE}.conf >/dev/null 2>&1 || :
    if [ -x /usr/bin/systemctl ]; then
        systemctl --no-reload preset ${SERVICE}.service >/dev/null 2>&1 || :
    fi
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
fi

%preun
if [ "$1" -eq 0 ] && [ -x /usr/bin/systemctl ]; then
    if [ -d /run/systemd/system ]; then
        systemctl --no-reload disable --now ${SERVICE}.service >/dev/null 2>&1 || :
    else
        systemctl --no-reload disable ${SERVICE}.service >/dev/null 2>&1 || :
    fi
fi

%postun
# An upgrade leaves the old program running: the operator chooses which host of a pair goes first.
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
fi

%files
${files.map(filesLine).join("\n")}

%changelog
* ${changelogDate(date)} ${SERVICE} <root@localhost> - ${version}-1
- Built from ${commit}.
`;
}

function installLine({ path, mode, content }: RpmFile): string {
  const octal = mode.toString(8).padStart(4, "0");
  if (content === null) return `install -d -m ${octal} %{buildroot}${path}`;
  return `install -D -m ${octal} %{_sourcedir}/${sourceName(path)} %{buildroot}${path}`;
}

function filesLine({ path, mode, owner, content, config }: RpmFile): string {
  const [user = "", group = ""] = ownerText(owner, SERVICE).split(":");
  const attributes = `%attr(${mode.toString(8).padStart(4, "0")}, ${user}, ${group})`;
  return `${attributes} ${content === null ? "%dir " : ""}${config ? "%config(noreplace) " : ""}${path}`;
}

/** "Sun Nov 22 2026" for "2026/11/22". */
function changelogDate(date: string): string {
  return new Date(`${date.replaceAll("/", "-")}T00:00:00Z`)
    .toUTCString()
    .replace(/^(\w+), (\d+) (\w+) (\d+).*$/, "$1 $3 $2 $4");
}
