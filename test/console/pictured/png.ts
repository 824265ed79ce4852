import assert from 'node:assert/strict';
import { crc32, deflateSync, inflateSync } from 'node:zlib';

/** Red, green, blue and nothing else, row by row. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

const signature = Buffer.from('89504e470d0a1a0a', 'hex');
const kinds: Readonly<Record<number, number>> = { 2: 3, 3: 1, 6: 4 };

/** A PNG as a browser takes it or as `encode` makes it: of 8 bits, true colour or palette, not interlaced, nothing shining through. */
export function decode(png: Buffer): Pixels {
  assert.ok(png.subarray(0, 8).equals(signature), 'it is a PNG');
  let header: Buffer = Buffer.alloc(0);
  let palette: Buffer = Buffer.alloc(0);
  const packed: Buffer[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const kind = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (kind === 'IHDR') header = body;
    if (kind === 'PLTE') palette = body;
    if (kind === 'IDAT') packed.push(body);
    at += length + 12;
  }
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const channels = kinds[header[9] ?? 0];
  assert.ok(header[8] === 8 && channels !== undefined && header[12] === 0, 'of a kind that is read here');
  const rows = unfiltered(inflateSync(Buffer.concat(packed)), width * channels, height, channels);
  const rgb = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel += 1)
    for (let part = 0; part < 3; part += 1)
      rgb[pixel * 3 + part] =
        channels === 1 ? (palette[(rows[pixel] ?? 0) * 3 + part] ?? 0) : (rows[pixel * channels + part] ?? 0);
  return { width, height, rgb };
}

/** Rows without the filter that each was written with. */
function unfiltered(raw: Buffer, stride: number, height: number, channels: number): Uint8Array {
  const out = new Uint8Array(stride * height);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (stride + 1)] ?? 0;
    const from = y * (stride + 1) + 1;
    const to = y * stride;
    for (let x = 0; x < stride; x += 1) {
      const left = x < channels ? 0 : (out[to + x - channels] ?? 0);
      const up = y === 0 ? 0 : (out[to + x - stride] ?? 0);
      const corner = x < channels || y === 0 ? 0 : (out[to + x - stride - channels] ?? 0);
      out[to + x] = (raw[from + x] ?? 0) + predicted(filter, left, up, corner);
    }
  }
  return out;
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  if (filter !== 4) return 0;
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

function chunk(kind: string, body: Buffer): Buffer {
  const whole = Buffer.alloc(body.length + 12);
  whole.writeUInt32BE(body.length, 0);
  whole.write(kind, 4, 'latin1');
  body.copy(whole, 8);
  whole.writeUInt32BE(crc32(whole.subarray(4, body.length + 8)), body.length + 8);
  return whole;
}

/** A small PNG of 256 colours. */
export function encode({ width, height, rgb }: Pixels): Buffer {
  const { palette, pixels } = indexed(rgb);
  const raw = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1)
    raw.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('PLTE', palette),
    chunk('IDAT', deflateSync(raw, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Colours that differ by less than sixteen are one: that which there is most of. Of a page these are hardly ever more than 256. */
function indexed(rgb: Uint8Array): { readonly palette: Buffer; readonly pixels: Uint8Array } {
  const colours = new Uint32Array(rgb.length / 3);
  const counts = new Map<number, number>();
  for (let at = 0; at < colours.length; at += 1) {
    const colour = ((rgb[at * 3] ?? 0) << 16) | ((rgb[at * 3 + 1] ?? 0) << 8) | (rgb[at * 3 + 2] ?? 0);
    colours[at] = colour;
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const byCount = [...counts].sort(([a, n], [b, m]) => m - n || a - b).map(([colour]) => colour);
  const kept = [...new Map(byCount.toReversed().map((colour) => [colour & 0xf0f0f0, colour])).values()]
    .sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0) || a - b)
    .slice(0, 256);
  const groups = new Map(kept.map((colour, at) => [colour & 0xf0f0f0, at]));
  const places = new Map(
    byCount.map((colour) => [colour, groups.get(colour & 0xf0f0f0) ?? nearest(colour, kept)]),
  );
  return {
    palette: Buffer.from(kept.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255])),
    pixels: Uint8Array.from(colours, (colour) => places.get(colour) ?? 0),
  };
}

function nearest(colour: number, among: readonly number[]): number {
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (const [at, other] of among.entries()) {
    const far =
      Math.abs((colour >> 16) - (other >> 16)) +
      Math.abs(((colour >> 8) & 255) - ((other >> 8) & 255)) +
      Math.abs((colour & 255) - (other & 255));
    if (far < least) [best, least] = [at, far];
  }
  return best;
}
