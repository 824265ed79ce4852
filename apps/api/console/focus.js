/**
 * Whoever had the focus in something that the page has taken away (a button for what can no longer be done, the card that it stood on)
 * goes on from the heading of the page, and not from the top of the document. @param {HTMLElement} root
 */
export function keepFocus(root) {
  let last = /** @type {Element | null} */ (null);
  root.addEventListener('focusin', ({ target }) => {
    last = /** @type {Element} */ (target);
  });
  new MutationObserver(() => {
    if (last === null || last.isConnected) return;
    last = null;
    if (document.activeElement === document.body)
      /** @type {HTMLElement | null} */ (root.querySelector('h1'))?.focus({ preventScroll: true });
  }).observe(root, { childList: true, subtree: true });
}
