import script from "./page.client.js" with { type: "text" };
import layout from "./page.css" with { type: "text" };
import tables from "./tables.css" with { type: "text" };

/** What stands between `<style>` and `</style>`, and between `<script type="module">` and `</script>`: for hashes in a content security policy. */
export const PAGE_STYLE: string = `${layout}${tables}`;
export const PAGE_SCRIPT: string = script;
