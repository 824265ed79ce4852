import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, type Socket } from 'node:net';

/** Whose `X-Forwarded-For` is believed: nobody's, everybody's, these addresses', or as the function says. */
export type TrustProxy = boolean | readonly string[] | ((address: string, hop: number) => boolean);

export type ClientAddress = (request: IncomingMessage) => string;

/** Behind each of them another proxy; nobody has more. */
const hopsMax = 100;

/**
 * The address a request comes from: the nearest one that is not a proxy we trust, plain, whatever was written around
 * it (ports, brackets, quotes). Text that is no address does not count: it is what the proxy in front of it makes of
 * a client it will not name, and then that proxy's own address stands for the client.
 */
export function clientAddress(trustProxy: TrustProxy): ClientAddress {
  const trusts = trustFunction(trustProxy);
  // A connection serves many requests, and its other end stays the same.
  const ends = new WeakMap<Socket, string>();
  const endOf = (socket: Socket): string => {
    const end = ends.get(socket) ?? plainAddress(socket.remoteAddress ?? '') ?? 'unknown';
    if (end !== 'unknown') ends.set(socket, end);
    return end;
  };
  return ({ headers, socket }) => {
    let address = endOf(socket);
    const forwarded = headers['x-forwarded-for'];
    if (forwarded === undefined || !trusts(address, 0)) return address;
    const hops = String(forwarded)
      .split(',')
      .map((hop) => hop.trim())
      .filter((hop) => hop !== '')
      .reverse();
    for (const [index, hop] of hops.slice(0, hopsMax).entries()) {
      const next = plainAddress(hop);
      if (next === null) break;
      address = next;
      if (!trusts(address, index + 1)) break;
    }
    return address;
  };
}

/** What counts as one client: an IPv4 address, or the /64 that one IPv6 customer has at least. */
export function networkOf(address: string): string {
  return isIP(address) === 6 ? `${groupsOf(address).slice(0, 4).join(':')}::/64` : address;
}

function trustFunction(trust: TrustProxy): (address: string, hop: number) => boolean {
  if (typeof trust === 'boolean') return () => trust;
  if (typeof trust === 'function') return trust;
  const networks = new BlockList();
  for (const entry of trust) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) networks.addAddress(address, family);
    else networks.addSubnet(address, Number(bits), family);
  }
  return (address) => isIP(address) !== 0 && networks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** Longest: a mapped address with zone, port, brackets and quotes. */
const addressTextMax = 100;

/** The bare address in `1.2.3.4:5678`, `[2001:db8::1]:443`, `"[::1]"`, `fe80::1%eth0`, `::ffff:1.2.3.4`, else null. */
function plainAddress(text: string): string | null {
  if (text.length > addressTextMax) return null;
  const unquoted = text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
  const bracketed = /^\[([^\]]*)\](?::[0-9]+)?$/.exec(unquoted)?.[1];
  const withPort = /^([0-9.]+):[0-9]+$/.exec(unquoted)?.[1];
  const [address = ''] = (bracketed ?? withPort ?? unquoted).split('%', 1);
  const family = isIP(address);
  if (family === 0) return null;
  return family === 4 ? address : (mappedOf(groupsOf(address)) ?? compressed(address));
}

/** The IPv4 address behind `::ffff:0:0/96`, as which a dual-stack socket sees one. */
function mappedOf(groups: readonly string[]): string | null {
  if (groups.slice(0, 6).join(':') !== '0:0:0:0:0:ffff') return null;
  const number = Number.parseInt(
    groups
      .slice(6)
      .map((group) => group.padStart(4, '0'))
      .join(''),
    16,
  );
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join('.');
}

/** The eight groups of an IPv6 address, in lower case and without leading zeros. */
function groupsOf(address: string): string[] {
  const [head = '', tail] = compressed(address).split('::');
  const [before, after] = [head, tail ?? ''].map((part) => (part === '' ? [] : part.split(':')));
  const [left, right] = [before ?? [], after ?? []];
  return tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill('0'), ...right];
}

/** The one way in which a URL writes an IPv6 address, however it was given. */
function compressed(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}
