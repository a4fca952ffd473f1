import { path } from "./globalSchema.ts";
import {
  duration,
  either,
  flag,
  int,
  ipAddress,
  list,
  name,
  named,
  oneOf,
  oneOfNumbers,
  oneOrMany,
  table,
  tables,
  word,
} from "./keys.ts";
import { virtualIp } from "./vrrpAddress.ts";
import { mailSchema } from "./vrrpMailSchema.ts";
import { command, reverse, scriptSchema, trackedWeight, weight } from "./vrrpScriptSchema.ts";

/** [vrrp]: the virtual IPs, in keepalived's words. Ranges: RFC 3768 §5.3, RFC 9568 §5.2, keepalived 2.2.7. */

const MAX_COUNT = 100;
const HOUR_MS = 3_600_000;

/** A tracked thing by its bare name, or in a table with a weight of its own. */
const tracked = <S extends Parameters<typeof table>[0]>(short: ReturnType<typeof name>, shape: S, help: string) =>
  either(
    short,
    table(shape, help),
    help,
    "is neither a name nor a table",
    'write "NAME" or { name = "NAME", weight = -20 }',
  );

const interfaceName = (help: string) =>
  word(
    /^(?!\.{1,2}$)[^\s/:\p{Cc}]{1,15}$/u,
    {
      values: "up to 15 characters without blanks, / and :",
      example: '"eth0"',
      problem: "is not the name of a network interface",
    },
    help,
  );

const trackShape = { weight: trackedWeight(), reverse: reverse() };

const authentication = table(
  {
    type: oneOf(["PASS"], "PASS: a password in clear text, keepalived's auth_type PASS."),
    password: word(
      /^[\x20-\x7e]{1,255}$/,
      {
        values: "visible ASCII characters",
        example: '"myPassw0rd"',
        problem: "is not a password that keepalived can have",
      },
      "The same on all routers; only its first 8 bytes are sent.",
    ),
  },
  "Authentication of adverts, version 2 only.",
);

const garp = {
  garp_master_delay: duration(
    "Time after becoming MASTER until the second burst of announcements.",
    0,
    HOUR_MS,
  ).prefault("5s"),
  garp_master_repeat: int(1, MAX_COUNT, "Announcements of each address in a burst.").prefault(5),
  garp_master_refresh: duration('Time between announcements while MASTER; "0s": none.', 0, 24 * HOUR_MS).prefault(
    "60s",
  ),
  garp_master_refresh_repeat: int(1, MAX_COUNT, "Announcements of each address in a refresh.").prefault(1),
  garp_lower_prio_delay: duration(
    "Time between the bursts that answer a master of lower priority.",
    0,
    HOUR_MS,
  ).prefault("5s"),
  garp_lower_prio_repeat: int(0, MAX_COUNT, "Announcements of each address in such a burst.").prefault(5),
  garp_interval: duration("Pause between two gratuitous ARP frames.", 0, 1000).prefault("0s"),
  gna_interval: duration("Pause between two neighbour advertisements.", 0, 1000).prefault("0s"),
};

const notify = {
  notify: command(
    "Run on every change, with INSTANCE, name, state and priority after its own arguments.",
    '["/usr/local/bin/changed"]',
  ).optional(),
  notify_master: command("Run on becoming MASTER.", '["/usr/local/bin/master"]').optional(),
  notify_backup: command("Run on becoming BACKUP.", '["/usr/local/bin/backup"]').optional(),
  notify_fault: command("Run on becoming FAULT.", '["/usr/local/bin/fault"]').optional(),
  notify_stop: command("Run when the program stops.", '["/usr/local/bin/stopped"]').optional(),
  notify_deleted: command("Run when a reload removes the instance.", '["/usr/local/bin/deleted"]').optional(),
  notify_master_rx_lower_pri: command(
    "Run when a MASTER hears one of lower priority.",
    '["/usr/local/bin/rival"]',
  ).optional(),
};

const unweighted = { weight: 0, reverse: false };

function withWeight(item: string | { name: string; weight: number; reverse: boolean }) {
  return typeof item === "string" ? { name: item, ...unweighted } : item;
}

const vrrpKeys = {
  router_id: word(
    /^[\x21-\x7e]{1,255}$/,
    { values: "1..255 visible ASCII characters", example: '"lb01"', problem: "is not a name for mails and logs" },
    "Name of this host in mails and logs; default: its host name.",
  ).optional(),
  notify_fifo: path(
    "A named pipe that every change of state is written to.",
    '"/run/haproxy-lite/vrrp.fifo"',
  ).optional(),
};

/** [vrrp] without the tables in it. */
export const vrrpSchema = table(vrrpKeys, "Virtual IP addresses.").transform((raw) => ({
  routerId: raw.router_id ?? null,
  notifyFifo: raw.notify_fifo ?? null,
}));

/** One [vrrp.instance.NAME]. */
export const instanceSchema = table(
  {
    interface: interfaceName("Interface that adverts and addresses live on."),
    state: oneOf(["MASTER", "BACKUP"], "State to start towards; elections decide.").prefault("BACKUP"),
    virtual_router_id: int(1, 255, "Identity of the virtual router on its network."),
    priority: int(1, 255, "The highest wins; 255: owner of the address.").prefault(100),
    advert_int: duration(
      "Time between adverts: version 2 whole seconds up to 255s, version 3 steps of 10ms up to 40950ms.",
      10,
      255_000,
      10,
    ).prefault("1s"),
    version: oneOfNumbers([2, 3], "VRRP version: RFC 3768 or RFC 9568.").prefault(2),
    authentication: authentication.optional(),
    virtual_ipaddress: oneOrMany(
      virtualIp,
      "The virtual addresses, in the order of the advert.",
      '"192.0.2.100/24"',
    ).prefault([]),
    virtual_ipaddress_excluded: oneOrMany(
      virtualIp,
      "Further addresses that move along but are not in the advert.",
      '"192.0.2.101/24"',
    ).prefault([]),
    mail: flag("true: mail on every change of state, keepalived's smtp_alert.").prefault(false),
    track_script: list(
      tracked(
        name("A script's name."),
        {
          name: name("A script's name."),
          weight: weight("Instead of the script's own weight.").optional(),
          reverse: reverse(),
        },
        "A tracked script.",
      ),
      "Scripts of [[vrrp.script]] to track.",
    ).prefault([]),
    track_proxy: either(
      flag("true: as { weight = 0 }; false: not tracked."),
      table(trackShape, "The proxy itself."),
      "The proxy itself: no working proxy, no address.",
      "is neither true, false nor a table",
      "write true, false or { weight = 0 }",
    ).prefault(true),
    track_listen: list(
      tracked(name("A listen's name."), { name: name("A listen's name."), ...trackShape }, "A tracked listen."),
      "Listens to track: failed when every server is down.",
    ).prefault([]),
    track_interface: list(
      tracked(
        interfaceName("An interface."),
        { name: interfaceName("An interface."), ...trackShape },
        "A tracked interface.",
      ),
      "Further interfaces to track.",
    ).prefault([]),
    track_file: list(
      table(
        {
          file: path("A file that holds a number.", '"/run/weight"'),
          weight: weight("Multiplied by the number in the file; 0: any number but 0 means FAULT.").prefault(1),
          reverse: reverse(),
        },
        "A tracked file.",
      ),
      "Files whose number changes the priority.",
    ).prefault([]),
    dont_track_primary: flag("true: faults of `interface` itself are ignored.").prefault(false),
    nopreempt: flag("true: does not take over from a working MASTER of lower priority.").prefault(false),
    preempt_delay: duration("Time to wait before taking over from a MASTER of lower priority.", 0, 1_000_000).prefault(
      "0s",
    ),
    down_timer_adverts: int(1, MAX_COUNT, "Missed adverts after which a MASTER counts as gone.").prefault(3),
    unicast_peer: oneOrMany(
      ipAddress("A peer."),
      "Peers to send adverts to, instead of the multicast group.",
      '"192.0.2.2"',
    ).prefault([]),
    unicast_src_ip: ipAddress("Our address in unicast adverts; default: the interface's.").optional(),
    ...garp,
    ...notify,
    sync_group: name("Instances of one group change state together.").optional(),
    use_vmac: flag(
      "true: the address lives on an interface of its own with the virtual router's MAC address.",
    ).prefault(false),
    checksum: oneOf(
      ["auto", "pseudo", "plain"],
      "IPv4 checksum in version 3: as the peer's; with pseudo-header (keepalived); without (RFC 9568).",
    ).prefault("auto"),
  },
  "A virtual router.",
).transform((raw) => ({
  interface: raw.interface,
  state: raw.state,
  virtualRouterId: raw.virtual_router_id,
  priority: raw.priority,
  advertIntMs: raw.advert_int,
  version: raw.version,
  authentication: raw.authentication ?? null,
  virtualIpAddresses: raw.virtual_ipaddress,
  virtualIpAddressesExcluded: raw.virtual_ipaddress_excluded,
  mail: raw.mail,
  /** weight null: the script's own. */
  trackScript: raw.track_script.map((item) =>
    typeof item === "string" ? { name: item, weight: null, reverse: false } : { ...item, weight: item.weight ?? null },
  ),
  /** null: not tracked. */
  trackProxy: typeof raw.track_proxy === "boolean" ? (raw.track_proxy ? unweighted : null) : raw.track_proxy,
  trackListen: raw.track_listen.map(withWeight),
  trackInterface: raw.track_interface.map(withWeight),
  trackFile: raw.track_file,
  dontTrackPrimary: raw.dont_track_primary,
  nopreempt: raw.nopreempt,
  preemptDelayMs: raw.preempt_delay,
  downTimerAdverts: raw.down_timer_adverts,
  unicastPeers: raw.unicast_peer,
  unicastSrcIp: raw.unicast_src_ip ?? null,
  garp: {
    masterDelayMs: raw.garp_master_delay,
    masterRepeat: raw.garp_master_repeat,
    masterRefreshMs: raw.garp_master_refresh,
    masterRefreshRepeat: raw.garp_master_refresh_repeat,
    lowerPrioDelayMs: raw.garp_lower_prio_delay,
    lowerPrioRepeat: raw.garp_lower_prio_repeat,
    intervalMs: raw.garp_interval,
    neighbourIntervalMs: raw.gna_interval,
  },
  notify: {
    any: raw.notify ?? null,
    master: raw.notify_master ?? null,
    backup: raw.notify_backup ?? null,
    fault: raw.notify_fault ?? null,
    stop: raw.notify_stop ?? null,
    deleted: raw.notify_deleted ?? null,
    masterRxLowerPri: raw.notify_master_rx_lower_pri ?? null,
  },
  syncGroup: raw.sync_group ?? null,
  useVmac: raw.use_vmac,
  checksum: raw.checksum,
}));

/** [vrrp] as written in the file. */
export const vrrpInFile = table(
  {
    ...vrrpKeys,
    mail: mailSchema.optional(),
    script: tables(scriptSchema, "Scripts that instances can track.").optional(),
    instance: named(instanceSchema, "Virtual routers by name.").optional(),
  },
  "Virtual IP addresses.",
);
