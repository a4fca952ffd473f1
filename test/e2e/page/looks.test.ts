import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { renderPage } from "../../../src/stats/page/render.ts";
import { pagePolicy } from "../../../src/web/policy.ts";
import { ALL_WELL, EVERYTHING_AT_ONCE, HOSTILE, HOSTILE_NAMES, largePage } from "../../stats/page/pageCases.ts";
import type { Tab } from "../../support/browser.ts";
import { atEnd } from "../../support/cleanup.ts";
import { freePort } from "../../support/ports.ts";
import { ROOT } from "../../support/process.ts";
import { browser, chromium, textOf } from "./stand.ts";

const MODELS = { all: EVERYTHING_AT_ONCE, well: ALL_WELL, large: largePage(50, 40), hostile: HOSTILE };

const AXE = readFileSync(join(ROOT, "node_modules/axe-core/axe.min.js"), "utf8");

interface Finding {
  id: string;
  nodes: { target: string[]; failureSummary?: string }[];
}

let tab: Tab;
let site: string;

/** What axe-core finds on the page as it is now: rules of WCAG 2.2 AA and of good practice. */
async function audit(): Promise<{ violations: string[]; unclear: string[]; contrasts: number }> {
  await tab.evaluate(AXE);
  const found = await tab.evaluate<{ violations: Finding[]; incomplete: Finding[]; passes: Finding[] }>("axe.run()");
  const told = (findings: Finding[]) =>
    findings.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} ${target} ${failureSummary}`));
  return {
    violations: told(found.violations),
    // Of a single digit axe will not say whether it is text.
    unclear: told(found.incomplete).filter((finding) => !finding.includes("too short to determine")),
    contrasts: found.passes.find(({ id }) => id === "color-contrast")?.nodes.length ?? 0,
  };
}

describe.skipIf(chromium === null)("the status page to the eye and the ear", () => {
  beforeAll(async () => {
    // The page of any model, with the headers that it is served with.
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: freePort(),
      fetch({ url }) {
        const name = new URL(url).pathname.slice(1);
        if (!Object.hasOwn(MODELS, name)) return new Response(null, { status: 404 });
        const headers = { "content-type": "text/html; charset=utf-8", "content-security-policy": pagePolicy() };
        return new Response(renderPage(MODELS[name as keyof typeof MODELS]), { headers });
      },
    });
    atEnd(() => server.stop(true));
    site = `http://127.0.0.1:${server.port}`;
    tab = await (await browser()).tab();
  });

  for (const [width, device] of [
    [1440, "a desktop"],
    [360, "a phone"],
  ] as const) {
    for (const scheme of ["light", "dark"] as const) {
      test(`has nothing that axe-core objects to on ${device} in ${scheme} colours, its contrasts included`, async () => {
        await tab.look({ width, scheme });
        await tab.open(`${site}/all`);
        await tab.evaluate(`document.querySelector(".kill").open = true`);
        const { violations, unclear, contrasts } = await audit();
        expect(violations).toEqual([]);
        expect(unclear).toEqual([]);
        expect(contrasts).toBeGreaterThan(100);
      });
    }
  }

  test("has nothing that axe-core objects to while it is stale and paused, and when all is well", async () => {
    for (const scheme of ["light", "dark"] as const) {
      await tab.look({ width: 1440, scheme });
      await tab.open(`${site}/well`);
      expect((await audit()).violations).toEqual([]);
      await tab.evaluate(`document.getElementById("pause").click()`);
      await tab.evaluate(`document.body.classList.add("stale")`);
      expect((await audit()).violations).toEqual([]);
    }
  });

  test.each(["all", "well", "large", "hostile"])("does not scroll sideways on a narrow phone: %s", async (name) => {
    await tab.look({ width: 360, height: 740 });
    await tab.open(`${site}/${name}`);
    expect(await tab.evaluate<number>("document.documentElement.scrollWidth")).toBe(360);
    const wide = `[...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > 360.5 && !e.closest("svg")).map((e) => e.outerHTML.slice(0, 80))`;
    expect(await tab.evaluate<string[]>(wide)).toEqual([]);
  });

  test("says every state with a word and a shape of its own beside its colour", async () => {
    await tab.look({ width: 1440, scheme: "light" });
    await tab.open(`${site}/all`);
    const seen = await tab.evaluate<
      [string, string, string][]
    >(`[...document.querySelectorAll("tbody .st")].map((cell) => {
      const { clipPath, borderRadius, backgroundImage, backgroundColor, color } = getComputedStyle(cell, "::before");
      return [cell.querySelector("b").textContent, [clipPath, borderRadius, backgroundImage !== "none", backgroundColor === "rgba(0, 0, 0, 0)"].join(), color];
    })`);
    const shapes = new Map(seen.map(([word, shape]) => [word, shape]));
    const looks = ["UP", "UP 2/3", "DOWN", "MAINT", "DRAIN", "no check"];
    expect(new Set(looks.map((word) => shapes.get(word) ?? word)).size).toBe(looks.length);
    expect(new Set(seen.filter(([word]) => looks.includes(word)).map(([, , colour]) => colour)).size).toBe(
      looks.length,
    );
  });

  test.each([1440, 360])("is made of tables, headings and controls with names, %d px wide", async (width) => {
    await tab.look({ width });
    await tab.open(`${site}/all`);
    const { nodes } = await tab.send<{
      nodes: { ignored: boolean; role?: { value: string }; name?: { value: string } }[];
    }>("Accessibility.getFullAXTree");
    const seen = nodes
      .filter(({ ignored }) => !ignored)
      .map(({ role, name }) => ({ role: role?.value ?? "", name: name?.value ?? "" }));
    const named = [
      "table",
      "row",
      "rowheader",
      "region",
      "button",
      "checkbox",
      "link",
      "searchbox",
      "heading",
      "image",
      "group",
    ];
    const namesOf = (role: string) => seen.filter((node) => node.role === role).map(({ name }) => name);
    for (const role of named.filter((each) => each !== "row" && each !== "group")) {
      expect({ role, names: namesOf(role).length > 0 && namesOf(role).every((name) => name.trim() !== "") }).toEqual({
        role,
        names: true,
      });
    }
    expect(namesOf("table")).toEqual(["Servers of tcp_service_a", "Servers of b", "Servers of mail"]);
    expect(namesOf("checkbox")).toContain("mx1");
    expect(namesOf("main").length + namesOf("banner").length + namesOf("contentinfo").length).toBe(3);
    expect(namesOf("image").filter((name) => name.includes("in the last"))).toHaveLength(9);
  });

  test("runs nothing that a name or an answer says, and shows what it is", async () => {
    await tab.look({ width: 1440 });
    await tab.open(`${site}/hostile`);
    expect(await tab.evaluate<unknown>("window.pwned ?? null")).toBeNull();
    expect(
      await tab.evaluate<number>(`document.querySelectorAll("main script, main img, [onerror], [onclick]").length`),
    ).toBe(0);
    const shown = HOSTILE_NAMES.map((name) => name.replace(/[\p{Cc}\u2028\u202a-\u202e]/gu, "?"));
    expect(
      await tab.evaluate<string[]>(`[...document.querySelectorAll(".lname h3")].map(({ textContent }) => textContent)`),
    ).toEqual(shown);
    expect(
      await tab.evaluate<string[]>(
        `[...document.querySelector("tbody").querySelectorAll("input")].map(({ value }) => value)`,
      ),
    ).toEqual(shown);
    expect(await textOf(tab, "#notice")).toBe(shown[1] as string);
    // Each row can be led to by its id.
    await tab.evaluate(`document.querySelector("#problems a[href*='s:']").click()`);
    expect(await tab.evaluate<boolean>(`document.querySelector("tr:target") !== null`)).toBeTrue();
    expect(tab.complaints).toEqual([]);
  });

  test("moves nothing for who wants no motion", async () => {
    const duration = `(() => {
      const row = document.querySelector("tbody tr");
      row.classList.add("changed");
      return getComputedStyle(row).animationName;
    })()`;
    await tab.look({ width: 1440, reducedMotion: true });
    await tab.open(`${site}/all`);
    expect(await tab.evaluate<string>(duration)).toBe("none");
    await tab.look({ width: 1440 });
    expect(await tab.evaluate<string>(duration)).toBe("changed");
  });

  test("prints what it shows, without its controls, and with what is folded away", async () => {
    await tab.look({ width: 1000, print: true });
    await tab.open(`${site}/large`);
    const seen = await tab.evaluate<object>(`({
      controls: document.getElementById("live").checkVisibility(),
      folded: document.querySelector("details:not([open]) tbody tr").checkVisibility(),
      banner: getComputedStyle(document.querySelector(".banner")).position,
    })`);
    expect(seen).toEqual({ controls: false, folded: true, banner: "static" });
  });
});
