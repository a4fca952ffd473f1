import { humanDuration } from "../humanise.ts";
import type { VrrpStatus } from "../snapshot.ts";
import type { VrrpInstanceSnapshot, VrrpPriorityPart } from "../vrrpSnapshot.ts";
import { counters, lastChange, peer, place, rejections, rivals, tracker } from "../vrrpWording.ts";
import { instanceId } from "./anchors.ts";
import { esc } from "./html.ts";
import { instanceLook } from "./states.ts";

/** The virtual routers; nothing when there are none. */
export function routersSection(vrrp: VrrpStatus | null): string {
  if (vrrp === null || vrrp.instances.length === 0) return "";
  return `<section id="routers" aria-labelledby="routers-h"><h2 id="routers-h">Virtual routers</h2><div class="cards">${vrrp.instances.map(card).join("")}</div></section>`;
}

function card(instance: VrrpInstanceSnapshot): string {
  const { name, state, inStateMs, faults, syncGroup } = instance;
  const id = instanceId(name);
  const rows: [label: string, html: string][] = [
    ["Owner", esc(owner(instance))],
    ["Fault", esc(faults.join("; "))],
    ["Addresses", addressList(instance)],
    ["Priority", prioritySum(instance)],
    ["Peer", esc(peer(instance))],
    ["Rivals", esc(rivals(instance))],
    ["Last change", esc(lastChange(instance))],
    ["Sync group", esc(syncGroup ?? "")],
    ["Counters", esc(counters(instance))],
    ["Rejected", esc(rejections(instance))],
  ];
  const list = rows
    .map(([label, html]) => (html === "" ? "" : `<div class="pair"><dt>${label}</dt><dd>${html}</dd></div>`))
    .join("");
  return (
    `<section class="card ${instanceLook(instance)}" id="${id}" aria-labelledby="${id}-h"><header><h3 id="${id}-h"><bdi>${esc(name)}</bdi></h3>` +
    `<p class="st ${instanceLook(instance)}"><b>${state}</b> for ${humanDuration(inStateMs)}</p><p class="mut">${esc(place(instance))}</p></header><dl>${list}</dl></section>`
  );
}

/** Who has the addresses, as far as this host knows. */
function owner({ state, peer }: VrrpInstanceSnapshot): string {
  if (state === "MASTER") return "this host";
  if (state !== "BACKUP") return "not this host";
  return peer === null ? "not this host, and nobody has been heard" : `the peer, ${peer.address}`;
}

function addressList({ addresses, state }: VrrpInstanceSnapshot): string {
  const items = addresses.map(({ address, excluded, present }) => {
    const look = present === (state === "MASTER") ? (present ? "ok" : "none") : "bad";
    const words = `${present ? "present" : "absent"}${excluded ? ", excluded from adverts" : ""}`;
    return `<li class="st ${look}">${esc(address)} <small>${words}</small></li>`;
  });
  return `<ul>${items.join("")}</ul>`;
}

/** Term by term: 101, +2 script chk_uplink ok, -20 listen web failed, = 83. What has no weight only decides about FAULT. */
function prioritySum({ priority }: VrrpInstanceSnapshot): string {
  const { base, total, effective, parts } = priority;
  const terms = [
    `<li><b>${base}</b> configured</li>`,
    ...parts.map((part) => `<li class="st ${partLook(part)}"><b>${amount(part)}</b> ${esc(tracker(part))}</li>`),
    `<li><b>= ${total}</b>${total === effective ? "" : ` advertised as ${effective}, the limit`}</li>`,
  ];
  return `<ol class="sum">${terms.join("")}</ol>`;
}

function amount({ weight, amount }: VrrpPriorityPart): string {
  if (weight === 0) return "±0";
  return amount < 0 ? `−${-amount}` : `+${amount}`;
}

function partLook({ state, reverse }: VrrpPriorityPart): string {
  if (state === "unknown") return "none";
  return (state === "ok") !== reverse ? "ok" : "bad";
}
