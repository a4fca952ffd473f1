import { PAGE_STYLE } from "./assets.ts";
import type { PageModel } from "./model.ts";

export function renderPage(model: PageModel): string {
  return `<!doctype html><title>stub</title><style>${PAGE_STYLE}</style><pre>${JSON.stringify(model).replace(/</g, "&lt;")}</pre>`;
}
