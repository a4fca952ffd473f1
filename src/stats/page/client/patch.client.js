/** Patching: the old tree becomes like the new one, and what has not changed is not touched. */

/** What the script itself sets; the server's word does not count for these. */
const KEPT = new Set(["open", "hidden", "aria-sort", "disabled"]);

/** Makes a node like another of the same name; what is marked `data-keep` stays. */
export function patch(from, to) {
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if (from.hasAttribute("data-keep") || from.isEqualNode(to)) return;
  for (const { name, value } of to.attributes) {
    if (!KEPT.has(name) && from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  if (from.attributes.length > to.attributes.length) {
    const gone = [...from.attributes].filter(({ name }) => !KEPT.has(name) && !to.hasAttribute(name));
    for (const { name } of gone) from.removeAttribute(name);
  }
  // What nobody sees is exchanged rather than compared: a large page has most of its rows folded away.
  const folded = from.localName === "details" && !from.open && !from.contains(document.activeElement);
  if (folded && !from.querySelector("input:checked")) from.replaceChildren(...to.childNodes);
  else patchChildren(from, to);
}

/** The same for what is below two nodes. */
export function patchChildren(from, to) {
  let at = from.firstChild;
  let next = to.firstChild;
  // Nearly always the same things stand in the same order.
  while (at && next && at.nodeName === next.nodeName && at.id === next.id) {
    const after = next.nextSibling;
    patch(at, next);
    at = at.nextSibling;
    next = after;
  }
  if (at || next) rearrange(from, at, next);
}

/** From here on things have come, gone or moved; those with an id are found again by it. */
function rearrange(parent, start, first) {
  const news = [];
  for (let next = first; next; next = next.nextSibling) news.push(next);
  const wanted = new Set(news.map(({ id }) => id));
  const known = new Map();
  let at = start;
  for (let old = start; old; ) {
    const after = old.nextSibling;
    if (old.id && wanted.has(old.id)) known.set(old.id, old);
    else if (old.id) {
      if (old === at) at = after;
      old.remove();
    }
    old = after;
  }
  for (const next of news) {
    const alike = at && !at.id && !next.id && at.nodeName === next.nodeName ? at : null;
    const old = next.id ? known.get(next.id) : alike;
    if (!old) {
      parent.insertBefore(next, at);
      continue;
    }
    if (old === at) at = at.nextSibling;
    else parent.insertBefore(old, at);
    patch(old, next);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

/** Focus and selected text stay where they are, even if their element had to move. */
export function keepingPlace(change, ...except) {
  const { activeElement: focused } = document;
  const { anchorNode, anchorOffset, focusNode, focusOffset } = getSelection();
  change();
  if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
  if (except.includes(focused) || !anchorNode?.isConnected || !focusNode?.isConnected) return;
  const within = (node, offset) => Math.min(offset, node.data?.length ?? node.childNodes.length);
  getSelection().setBaseAndExtent(
    anchorNode,
    within(anchorNode, anchorOffset),
    focusNode,
    within(focusNode, focusOffset),
  );
}
