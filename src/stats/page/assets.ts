import news from "./client/news.client.js" with { type: "text" };
import page from "./client/page.client.js" with { type: "text" };
import patch from "./client/patch.client.js" with { type: "text" };
import rows from "./client/rows.client.js" with { type: "text" };
import base from "./style/base.css" with { type: "text" };
import media from "./style/media.css" with { type: "text" };
import sections from "./style/sections.css" with { type: "text" };
import tables from "./style/tables.css" with { type: "text" };

/** What stands between `<style>` and `</style>`: for a hash in a content security policy. */
export const PAGE_STYLE: string = `${base}${sections}${tables}${media}`;

/** What stands between `<script type="module">` and `</script>`: the client's modules as one. */
export const PAGE_SCRIPT: string = [patch, news, rows, page].map(inlined).join("");

/** A module's text without what holds modules together; no name stands for two things in them. */
function inlined(module: string): string {
  return module.replace(/^import .*\n/gm, "").replace(/^export /gm, "");
}
