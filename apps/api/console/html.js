import htm from 'htm';
import { h } from 'preact';

const turning = /\p{Bidi_Control}/gu;

/** @param {any} child @returns {any} */
const shown = (child) => {
  if (typeof child === 'string') return child.replace(turning, '');
  return Array.isArray(child) ? child.map(shown) : child;
};

/** @param {any} type @param {any} props @param {any[]} children */
const element = (type, props, ...children) => h(type, props, ...children.map(shown));

/**
 * Elements from template literals: no step between this file and the browser. Text, whoever wrote it, is without what turns the
 * direction of writing: a name would turn the sentence that it stands in.
 */
export const html = /** @type {any} */ (htm).bind(element);
