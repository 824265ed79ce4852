import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { KmsError } from './kms-error.ts';

/**
 * Addresses that are not of the public network (IANA's registries of special purposes): of this machine, private, link-local
 * (metadata services), of documents, and the one that looks like any other and is Azure's own service to its machines.
 */
const unreachable = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  unreachable.addSubnet(net, prefix, 'ipv4');
/** Of IPv6 what is not global unicast, and in it what carries an IPv4 address or is nobody's. */
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');
const special = new BlockList();
for (const [net, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  special.addSubnet(net, prefix, 'ipv6');

export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !unreachable.check(address, 'ipv4');
  if (isIP(address) !== 6) return false;
  return global.check(address, 'ipv6') && !special.check(address, 'ipv6');
}

/** Whether a host is, by its text, of this machine or of a private network. */
export function isPrivateHost(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return isIP(bare) === 0 ? /(^|\.)localhost\.?$/i.test(bare) : !isPublicAddress(bare);
}

/**
 * Refuses a host that is, or has, an address which is not public: a KEK of a tenant's must not lead into the operator's network.
 *
 * @throws KmsError `DENIED`; `UNAVAILABLE` where the name is not found
 */
export async function needPublicHost(
  host: string,
  kekId: string,
  find: (host: string) => Promise<ReadonlyArray<{ readonly address: string }>> = (name) =>
    lookup(name, { all: true }),
): Promise<void> {
  const bare = host.replace(/^\[|\]$/g, '');
  const found = isIP(bare) === 0 ? await find(bare).catch(() => []) : [{ address: bare }];
  if (found.length === 0) throw new KmsError('UNAVAILABLE', 'KEK: its host has no address', { kekId });
  if (!found.every(({ address }) => isPublicAddress(address)))
    throw new KmsError('DENIED', 'KEK: its host has an address that is not public', { kekId });
}
