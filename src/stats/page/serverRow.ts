import { humanBytes, humanCount, humanDuration } from "../humanise.ts";
import type { ListenSnapshot, ServerSnapshot } from "../snapshot.ts";
import { ago } from "../vrrpWording.ts";
import { plural, removal, result } from "../wording.ts";
import { serverId } from "./anchors.ts";
import { attribute, esc } from "./html.ts";
import { serverLook } from "./states.ts";

/** In the order of the cells. A cell's `data-v` is what it is sorted by, where that is not its text. */
const COLUMNS = ["Server", "State", "Sessions", "Rate", "Bytes", "Queue", "Errors", "Last check", "Weight", "Downtime"];

/** Most sessions of a server or listen that has no limit of its own, for its meter; null: none. */
type Limit = number | null;

/** Head of the table of servers. */
export const TABLE_HEAD = `<thead data-keep><tr>${COLUMNS.map((title) => `<th scope="col">${title}</th>`).join("")}</tr></thead>`;

/** A server; `choose`: with a box to choose it for an action. A cell is its figure and, small, what belongs to it. */
export function serverRow(listen: string, server: ServerSnapshot, choose: boolean): string {
  const { name, address, backup, status, inStateMs, check } = server;
  const look = serverLook(server);
  const id = serverId(listen, name, server.leavingForMs !== null);
  const role = backup ? " backup" : "";
  const note = removal(server.leavingForMs)[0] ?? `for ${humanDuration(inStateMs)}`;
  return (
    `<tr id="${id}"><th scope="row">${choose ? chooser(name) : esc(name)}<small>${esc(address)}${role}</small></th>` +
    `<td class="st ${look}" data-v="${inStateMs}"><b>${status}</b><small>${note}</small></td>` +
    trafficCells(server, server.sessions.limit) +
    `<td class="ck${look === "bad" ? " bad" : ""}">${esc(result(check))}${checkNote(check)}</td>` +
    `<td>${weightText(server)}</td>` +
    `${downtimeCell(server)}</tr>`
  );
}

/** All servers of a listen together. */
export function totalRow(listen: ListenSnapshot): string {
  const { usable, servers } = listen;
  const figures = trafficCells(listen, listen.sessions.limit);
  const able = usable.active + usable.backup;
  return (
    `<tr class="all"><th scope="row">All<small>${servers.length} server${plural(servers.length)}</small></th>` +
    `<td data-v="0">${able} usable</td>${figures}<td></td><td></td>${downtimeCell(listen)}</tr>`
  );
}

function chooser(name: string): string {
  const shown = esc(name);
  return `<label><input type="checkbox" name="s" value="${shown}">${shown}</label>`;
}

/** Sessions, rate, bytes, queue, errors: a listen has them as a server has. */
function trafficCells(traffic: ServerSnapshot | ListenSnapshot, limit: Limit): string {
  const { sessions, rate, bytesIn, bytesOut, queue, errors } = traffic;
  const { current, max, total } = sessions;
  const of = limit === null ? "" : ` <span>/ ${humanCount(limit)}</span>`;
  const exact = `in ${bytesIn}, out ${bytesOut} bytes`;
  return (
    `<td data-v="${current}">${humanCount(current)}${of}${meter(current, limit)}` +
    `<small title="${total} in all">max ${humanCount(max)}, all ${humanCount(total)}</small></td>` +
    `<td${idle(rate.max)}>${humanCount(rate.now)}/s<small>max ${humanCount(rate.max)}</small></td>` +
    `<td${idle(bytesIn + bytesOut)} data-v="${bytesIn + bytesOut}" title="${exact}"><span>in</span> ${humanBytes(bytesIn)}<br><span>out</span> ${humanBytes(bytesOut)}</td>` +
    `<td${idle(queue.max)}>${humanCount(queue.current)}<small>max ${humanCount(queue.max)}</small></td>` +
    errorCell(errors)
  );
}

/** What has never been anything but 0 stands back. */
function idle(highest: number): string {
  return highest === 0 ? ' class="z"' : "";
}

/** How much of a limit is used, drawn; the figures stand beside it. */
export function meter(value: number, limit: Limit): string {
  if (limit === null || limit === 0) return "";
  const percent = Math.min(100, Math.round((100 * value) / limit));
  const hot = percent >= 90 ? ' class="hot"' : "";
  return `<svg class="meter" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect width="100" height="4"/><rect${hot} width="${percent}" height="4"/></svg>`;
}

/** Failed connections and what was done about them, and connections that broke off; those that never happened are left out. */
function errorCell({ connect, retries, redispatches, clientAborts, serverAborts }: ServerSnapshot["errors"]): string {
  const failed = connect + clientAborts + serverAborts;
  if (failed + retries + redispatches === 0) return '<td class="z" data-v="0">none</td>';
  const words = [
    said(connect, "connect"),
    said(retries, "retry", "retries"),
    said(redispatches, "redispatch", "redispatches"),
    said(clientAborts, "client abort", "client aborts"),
    said(serverAborts, "server abort", "server aborts"),
  ].filter((text) => text !== "");
  return `<td data-v="${failed}">${words.join("<br>")}</td>`;
}

function said(count: number, one: string, many = one): string {
  return count === 0 ? "" : `${humanCount(count)} ${count === 1 ? one : many}`;
}

function checkNote(check: ServerSnapshot["check"]): string {
  if (check === null || check.last === null) return "";
  const { durationMs, agoMs, description, info } = check.last;
  const took = durationMs === null ? "seen in traffic" : `in ${durationMs}ms`;
  const failures = check.failures > 0 ? `, ${humanCount(check.failures)} failed` : "";
  const title = attribute("title", info === null ? description : `${description}: ${info}`);
  return `<small${title}>${took}, ${ago(agoMs)}${failures}</small>`;
}

/** What it has, and what it works with where that differs. */
function weightText({ weight, throttlePercent }: ServerSnapshot): string {
  const { configured, effective } = weight;
  if (throttlePercent !== null) return `${configured}<small>slow start ${throttlePercent}%</small>`;
  const now = Math.round(100 * effective) / 100;
  return now === configured ? String(configured) : `${configured}<small>now ${now}</small>`;
}

function downtimeCell({ downs, downtimeMs }: { downs: number; downtimeMs: number }): string {
  if (downs === 0 && downtimeMs === 0) return '<td class="z" data-v="0">none</td>';
  return `<td data-v="${downtimeMs}">${humanDuration(downtimeMs)}<small>${humanCount(downs)} time${plural(downs)}</small></td>`;
}
