import type { Snapshot } from "../snapshot.ts";
import type { VrrpInstanceSnapshot, VrrpStateName } from "../vrrpSnapshot.ts";
import { families, type ListenRow, type ServerRow, type StateFamily } from "./family.ts";

/** What HAProxy has no metric for. */

export const OWN_PROCESS = families<Snapshot>("haproxy_lite_process_", [
  [
    "serving",
    "0 while no proxy process serves: it keeps crashing, or hangs.",
    ({ process }) => Number(process.crashLoop === null && process.hang === null),
  ],
  ["restarts_total", "Times that the proxy process had to be started again.", ({ process }) => process.restarts],
  ["counting_seconds", "For how long the counters have been counting.", ({ process }) => process.proxyUptimeMs / 1000],
]);

export const OWN_LISTEN = families<ListenRow>("haproxy_lite_listen_", [
  [
    "accept_pauses_total",
    "Times that accepting stopped because a limit was reached.",
    ({ listen }) => listen.acceptPauses,
  ],
  [
    "leaving_seconds",
    "The configuration does not have it any more: its sessions are ended after so long.",
    ({ listen }) => (listen.leavingForMs ?? 0) / 1000,
    ({ listen }) => listen.leavingForMs !== null,
  ],
]);

export const OWN_SERVER = families<ServerRow>("haproxy_lite_server_", [
  [
    "check_health",
    "Where its checks stand: from 0 to rise + fall - 1, up from rise on.",
    ({ server }) => server.check?.health ?? null,
    isChecked,
  ],
  [
    "check_inconclusive_total",
    "Checks that our own shortage prevented.",
    ({ server }) => server.check?.inconclusive ?? null,
    isChecked,
  ],
  [
    "last_check_seconds",
    "Seconds since its last check.",
    ({ server }) => (server.check?.last?.agoMs ?? 0) / 1000,
    ({ server }) => server.check?.last != null,
  ],
]);

function isChecked({ server }: ServerRow): boolean {
  return server.check !== null;
}

export const VRRP = families<VrrpInstanceSnapshot>("haproxy_lite_vrrp_", [
  ["state_seconds", "Seconds in the present state.", ({ inStateMs }) => inStateMs / 1000],
  ["priority", "Priority that adverts carry.", ({ priority }) => priority.effective],
  ["base_priority", "Priority as configured.", ({ priority }) => priority.base],
  ["advert_interval_seconds", "Time between two adverts.", ({ advertIntMs }) => advertIntMs / 1000],
  ["peer_priority", "Priority of the router that was heard last.", ({ peer }) => peer?.priority ?? null, hasPeer],
  ["peer_last_advert_seconds", "Seconds since it was heard.", ({ peer }) => (peer?.agoMs ?? 0) / 1000, hasPeer],
  ["adverts_sent_total", "Adverts sent.", ({ counters }) => counters.advertsSent],
  ["adverts_received_total", "Valid adverts received.", ({ counters }) => counters.advertsReceived],
  ["became_master_total", "Times that it became MASTER.", ({ counters }) => counters.becameMaster],
  ["released_master_total", "Times that it ceased to be MASTER.", ({ counters }) => counters.releasedMaster],
  ["priority_zero_sent_total", "Farewells sent.", ({ counters }) => counters.priorityZeroSent],
  ["priority_zero_received_total", "Farewells received.", ({ counters }) => counters.priorityZeroReceived],
  [
    "announcements_total",
    "Gratuitous ARP and neighbour advertisement frames sent.",
    ({ counters }) => counters.announcements,
  ],
  ["send_errors_total", "Adverts that the kernel refused to send.", ({ counters }) => counters.sendErrors],
  [
    "address_list_mismatches_total",
    "Valid adverts whose list of addresses is not ours.",
    ({ counters }) => counters.addressListMismatches,
  ],
  [
    "addresses_restored_total",
    "Times that addresses were gone while MASTER and were put back.",
    ({ counters }) => counters.addressesRestored,
  ],
  ["stalls_total", "Times that timers ran late by more than an advert interval.", ({ counters }) => counters.stalls],
]);

export const VRRP_STATE: StateFamily<VrrpInstanceSnapshot> = {
  name: "haproxy_lite_vrrp_state",
  help: "What state the virtual router is in.",
  states: ["INIT", "BACKUP", "MASTER", "FAULT"] satisfies VrrpStateName[],
  state: (instance) => instance.state,
};

function hasPeer({ peer }: VrrpInstanceSnapshot): boolean {
  return peer !== null;
}
