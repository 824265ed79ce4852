import type { Pixels } from './png.ts';

/**
 * How far a part of a colour may be off: more than another rounding of edges makes, and less than between any two colours of a theme
 * that mean something.
 */
const offMax = 36;
/** What may differ all the same, in a million pixels and at least. */
const perMillionMax = 60;
const anyMax = 12;
/** A page may be so much longer or shorter: its height is rounded. */
const rowsMax = 1;

/** How one picture differs from another; null: in nothing that somebody would see. */
export function difference(now: Pixels, was: Pixels): string | null {
  if (now.width !== was.width || Math.abs(now.height - was.height) > rowsMax)
    return `it is ${now.width} × ${now.height}, and was ${was.width} × ${was.height}`;
  const height = Math.min(now.height, was.height);
  const off = Math.max(beyond(now, was, height), beyond(was, now, height));
  const allowed = Math.max(anyMax, (now.width * height * perMillionMax) / 1_000_000);
  return off > allowed ? `${off} of its pixels differ` : null;
}

/**
 * How many pixels of one are like nothing about the same place of the other: each part of the colour is held against the range that
 * it has there in three by three pixels. What moves by one pixel, and whatever lies between two colours at an edge, is within.
 */
function beyond({ width, rgb }: Pixels, of: Pixels, height: number): number {
  const stride = width * 3;
  const low = ranged(of.rgb, stride, height, Math.min);
  const high = ranged(of.rgb, stride, height, Math.max);
  let count = 0;
  for (let at = 0; at < stride * height; at += 3)
    for (let part = at; part < at + 3; part += 1) {
      const value = rgb[part] ?? 0;
      if (value >= (low[part] ?? 0) - offMax && value <= (high[part] ?? 0) + offMax) continue;
      count += 1;
      break;
    }
  return count;
}

/** The least or the most of each part among a pixel and its neighbours: first along rows, then across. */
function ranged(
  rgb: Uint8Array,
  stride: number,
  height: number,
  choose: (a: number, b: number) => number,
): Uint8Array {
  const along = new Uint8Array(stride * height);
  for (let row = 0; row < stride * height; row += stride)
    for (let x = 0; x < stride; x += 1) {
      const own = rgb[row + x] ?? 0;
      const left = x < 3 ? own : (rgb[row + x - 3] ?? 0);
      const right = x >= stride - 3 ? own : (rgb[row + x + 3] ?? 0);
      along[row + x] = choose(choose(own, left), right);
    }
  const out = new Uint8Array(stride * height);
  for (let at = 0; at < out.length; at += 1) {
    const own = along[at] ?? 0;
    out[at] = choose(choose(own, along[at - stride] ?? own), along[at + stride] ?? own);
  }
  return out;
}
