import htm from 'htm';
import { h } from 'preact';

/** Elements from template literals: no step between this file and the browser. */
export const html = /** @type {any} */ (htm).bind(h);
