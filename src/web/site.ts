import type { StatsConfig } from "../config/schema.ts";
import { assertNever } from "../core/errors.ts";
import { csvChunks } from "../stats/csv.ts";
import type { JournalEvent } from "../stats/event.ts";
import { jsonChunks } from "../stats/json.ts";
import type { History, PageModel } from "../stats/page/model.ts";
import { renderPieces } from "../stats/page/render.ts";
import { type HttpCounts, METRICS_TYPE, metricsChunks, metricsScopes } from "../stats/prometheus.ts";
import { EVERYTHING, type StatRow, statRows } from "../stats/rows.ts";
import { jsonSchema } from "../stats/schema.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import type { Standing } from "../stats/standing.ts";
import { CHUNK_BYTES } from "../stats/textBuffer.ts";
import { typedChunks } from "../stats/typed.ts";
import { isForeign, isOwnName, noticeOf, type Outcome, outcomeOf, readWish } from "./actions.ts";
import { csrfToken, isToken, REALM, userOf } from "./credentials.ts";
import { healthResponse, judgeHealth } from "./health.ts";
import { pagePolicy } from "./policy.ts";
import type { HttpRequest } from "./request.ts";
import { type HttpResponse, plain } from "./response.ts";
import { optionsText, type Route, route } from "./routes.ts";

/** What the site shows and what it can do. */
export interface SiteView {
  /** How everything stands, taken in steps between which others have their turn. */
  snapshotSteps(): Generator<null, Snapshot>;
  /** What a monitor asks about. */
  standing(): Standing;
  history(): History;
  /** The last ones, newest first. */
  events(): readonly JournalEvent[];
  /** Answers of this server so far, by status. */
  answers(): HttpCounts;
  wallMs(): number;
  /** Gives a command of the runtime API; its answer, "" when it was done. `by` says who, for the log. */
  execute(command: readonly string[], by: string): string | Promise<string>;
}

const encoder = new TextEncoder();
/** Nothing yet, but others have had their turn. */
const STEP = new Uint8Array(0);

type StatsRoute = Extract<Route, { kind: "stats" }>;

/** Who sees the page where nobody has to say who he is. */
const ANYBODY = "";

/** The pages of `[stats]`: what is answered to which request. It keeps nothing between two of them. */
export class StatsSite {
  /** @param secret random bytes of this process, which tokens are made with */
  constructor(
    public config: StatsConfig,
    private readonly view: SiteView,
    private readonly secret: Uint8Array,
  ) {}

  /** Never throws for anything that a client says. */
  answer(request: HttpRequest): HttpResponse | Promise<HttpResponse> {
    const { config } = this;
    const asked = route(request.target, config.uri);
    const user = this.userOf(request);
    // A monitor that only looks whether it should send clients here has no password, and learns one word.
    if (asked.kind === "health") return this.health(request, asked.listens, user !== null);
    if (user === null) return plain(401, "You need a user name and a password.", { "www-authenticate": REALM });
    if (request.method === "POST" && asked.kind !== "stats")
      return plain(405, "There is nothing to be changed here.", { allow: "GET, HEAD" });
    switch (asked.kind) {
      case "stats":
        return request.method === "POST" ? this.act(request, asked, user) : this.statistics(asked, user);
      case "metrics":
        return this.metrics(asked);
      case "nothing":
        return nothingHere(config.uri);
    }
  }

  /** null: he has not proven who he is. */
  private userOf({ headers }: HttpRequest): string | null {
    const { auth } = this.config;
    return auth.length === 0 ? ANYBODY : userOf(headers.get("authorization"), auth, this.secret);
  }

  private health({ headers, method }: HttpRequest, listens: readonly string[], mayKnow: boolean): HttpResponse {
    if (method === "POST") return plain(405, "There is nothing to be changed here.", { allow: "GET, HEAD" });
    const judged = judgeHealth(this.view.standing(), listens);
    if (judged === null) return plain(404, "There is no such listen.");
    return healthResponse(judged, /\bjson\b/.test(headers.get("accept") ?? ""), mayKnow);
  }

  private statistics(asked: StatsRoute, user: string): HttpResponse {
    const { form, up, noMaintenance, scope } = asked;
    const ofRows = (make: (rows: Iterable<StatRow>) => Iterable<Uint8Array>) =>
      this.ofSnapshot((snapshot) => make(statRows(snapshot, { ...EVERYTHING, up, noMaintenance, scope })));
    switch (form) {
      case "html":
        return this.page(asked, user);
      case "csv":
        return this.data(asked, "text/plain; charset=utf-8", ofRows(csvChunks));
      case "typed":
        return this.data(
          asked,
          "text/plain; charset=utf-8",
          ofRows((rows) => typedChunks(rows, false)),
        );
      case "json":
        return this.data(asked, "application/json", ofRows(jsonChunks));
      case "json-schema":
        return this.data(asked, "application/json", [encoder.encode(jsonSchema())]);
      default:
        return assertNever(form);
    }
  }

  /** What is made of a snapshot, once that has been taken step by step. */
  private *ofSnapshot(make: (snapshot: Snapshot) => Iterable<Uint8Array>): Generator<Uint8Array> {
    for (const steps = this.view.snapshotSteps(); ; ) {
      const { done, value } = steps.next();
      if (done !== true) {
        yield STEP;
        continue;
      }
      yield* make(value);
      return;
    }
  }

  private page(asked: StatsRoute, user: string): HttpResponse {
    return {
      status: 200,
      headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": pagePolicy() },
      body: { pieces: this.ofSnapshot((snapshot) => gathered(renderPieces(this.model(snapshot, asked, user)))) },
    };
  }

  private model(snapshot: Snapshot, asked: StatsRoute, user: string): PageModel {
    const { config, view } = this;
    return {
      snapshot,
      history: view.history(),
      events: config.hideVersion ? view.events().map(withoutVersion) : view.events(),
      wallMs: view.wallMs(),
      uri: config.uri,
      refreshS: asked.noRefresh ? null : this.refreshS,
      hideVersion: config.hideVersion,
      scope: asked.scope,
      csrf: config.admin ? csrfToken(user, this.secret) : null,
      notice: noticeOf(asked.outcome),
    };
  }

  /** The page refreshes itself, by itself: a header would do it to one that updates in place as well. */
  private data(asked: StatsRoute, type: string, pieces: Iterable<Uint8Array>): HttpResponse {
    const { refreshS } = this;
    const refresh = asked.noRefresh || refreshS === null ? {} : { refresh: String(refreshS) };
    return { status: 200, headers: { "content-type": type, ...refresh }, body: { pieces } };
  }

  private get refreshS(): number | null {
    const { refreshMs } = this.config;
    return refreshMs === null ? null : refreshMs / 1000;
  }

  private metrics({ scopes: names, noMaintenance }: Extract<Route, { kind: "metrics" }>): HttpResponse {
    const { view, config } = this;
    const scopes = metricsScopes(names);
    if (scopes === null) return plain(400, "There is no such scope.");
    const filter = { scopes, noMaintenance, hideVersion: config.hideVersion };
    const pieces = this.ofSnapshot((snapshot) => metricsChunks(snapshot, filter, view.answers()));
    return { status: 200, headers: { "content-type": METRICS_TYPE }, body: { pieces } };
  }

  private async act(request: HttpRequest, asked: StatsRoute, user: string): Promise<HttpResponse> {
    const outcome = await this.outcome(request, user);
    const location = `${this.config.uri};st=${outcome}${optionsText(asked)}`;
    return { status: 303, headers: { location, "content-type": "text/plain; charset=utf-8" }, body: "" };
  }

  private async outcome({ headers, body }: HttpRequest, user: string): Promise<Outcome> {
    const form = new URLSearchParams(body);
    const origin = {
      origin: headers.get("origin"),
      fetchSite: headers.get("sec-fetch-site"),
      host: headers.get("host"),
    };
    const { listens, node } = this.view.standing();
    const trusted =
      this.config.admin &&
      !isForeign(origin) &&
      (user !== ANYBODY || isOwnName(origin.host, node)) &&
      isToken(form.get("csrf") ?? "", user, this.secret);
    if (!trusted) return "DENY";
    const wish = readWish(form, (name) => listens.find((each) => each.name === name)?.servers ?? null);
    if ("outcome" in wish) return wish.outcome;
    const answers: string[] = [];
    const by = user === ANYBODY ? "status page" : `status page (${user})`;
    for (const command of wish.commands) answers.push(await this.view.execute(command, by));
    return outcomeOf(answers);
  }
}

/** Pieces of text as bytes, short ones put together. */
function* gathered(pieces: Iterable<string>): Generator<Uint8Array> {
  let text = "";
  for (const piece of pieces) {
    text += piece;
    if (text.length < CHUNK_BYTES) continue;
    yield encoder.encode(text);
    text = "";
  }
  yield encoder.encode(text);
}

/** "1.2.3", "1.2.3-rc1 (abc1234)", and no part of an IP address. */
const VERSION = /(?<![\d.])\d+\.\d+\.\d+(?![\d]|\.\d)(?:[-+][\w.]+)?(?: \([\w-]+\))?/g;

/** What an event of the process says at a start and at an upgrade is not for everybody. */
function withoutVersion(event: JournalEvent): JournalEvent {
  if (event.subject.kind !== "process") return event;
  return {
    ...event,
    text: event.text.replace(VERSION, "a version"),
    cause: event.cause?.replace(VERSION, "a version") ?? null,
  };
}

/** HAProxy says 503, which monitors take for a proxy that is down; this is an address that is wrong. */
function nothingHere(uri: string): HttpResponse {
  const link = uri.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
  const body = `<!doctype html><title>Not found</title><p>There is nothing at this address. The status page is at <a href="${link}">${link}</a>.</p>\n`;
  return { status: 404, headers: { "content-type": "text/html; charset=utf-8" }, body };
}
