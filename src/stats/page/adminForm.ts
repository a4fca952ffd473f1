import { filterText } from "../filter.ts";
import { attribute, esc } from "./html.ts";
import type { PageModel } from "./model.ts";

/**
 * The table in a form whose buttons change the chosen servers, in HAProxy's own field names; the table alone when the page
 * can change nothing. What ends sessions at once takes a second click, with or without JavaScript.
 */
export function adminForm(model: PageModel, listen: string, table: string): string {
  const { csrf, uri } = model;
  if (csrf === null) return table;
  const hidden = (name: string, value: string) =>
    `<input type="hidden"${attribute("name", name)}${attribute("value", value)}>`;
  return (
    `<form method="post" action="${esc(uri + filterText(model))}">${hidden("csrf", csrf)}${hidden("b", listen)}` +
    // Enter in a box presses the first button that is not disabled: this one does nothing outside of a dialog.
    `<button formmethod="dialog" hidden></button>${table}<fieldset class="act"><legend>With the chosen servers of <bdi>${esc(listen)}</bdi></legend>` +
    `${action("drain", "Drain")}${action("maint", "Maintenance")}${action("ready", "Ready")}` +
    '<details class="kill"><summary>Kill sessions…</summary><p>Ends every session of the chosen servers at once. ' +
    `${action("shutdown", "Kill them")}</p></details></fieldset></form>`
  );
}

function action(value: string, text: string): string {
  return `<button name="action" value="${value}">${text}</button> `;
}
