import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { KmsError } from './kms-error.ts';

/** Addresses that are not of the public network: of this machine, private, link-local (metadata services), and such. */
const unreachable = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  unreachable.addSubnet(net, prefix, 'ipv4');
/** Of IPv6 what is not global unicast, and what carries an IPv4 address in it. */
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');
const carries = new BlockList();
carries.addSubnet('2002::', 16, 'ipv6');
carries.addSubnet('2001::', 32, 'ipv6');

export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !unreachable.check(address, 'ipv4');
  if (isIP(address) !== 6) return false;
  return global.check(address, 'ipv6') && !carries.check(address, 'ipv6');
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
