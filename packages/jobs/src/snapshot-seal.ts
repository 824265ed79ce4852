import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';

/** Nothing longer is read from Redis; a view takes about one. */
export const sealedMaxBytes = 65_536;

export interface SealedParts {
  readonly rotationId: string;
  readonly tenantId: string;
  readonly version: number;
  readonly final: boolean;
  /** The view as JSON. */
  readonly view: string;
}

/**
 * `<version> <final> <mac> <view>`: text, so that a person and a script can read it. Rotation and tenant are not in
 * it: whoever opens it says which it must be of.
 */
export function sealSnapshot(key: KeyObject, parts: SealedParts): string {
  return `${parts.version} ${parts.final ? 1 : 0} ${macOf(key, parts).toString('base64url')} ${parts.view}`;
}

const form = /^(0|[1-9][0-9]{0,15}) ([01]) ([A-Za-z0-9_-]{43}) (.+)$/s;

/** Null for what was not sealed with this key, for this rotation of this tenant. Nothing in it is parsed before. */
export function openSnapshot(
  key: KeyObject,
  { rotationId, tenantId }: Pick<SealedParts, 'rotationId' | 'tenantId'>,
  sealed: string,
): Pick<SealedParts, 'version' | 'final' | 'view'> | null {
  const [, version = '', final, mac = '', view = ''] = form.exec(sealed) ?? [];
  if (mac === '') return null;
  const parts = { version: Number(version), final: final === '1', view };
  const expected = macOf(key, { rotationId, tenantId, ...parts });
  return timingSafeEqual(expected, Buffer.from(mac, 'base64url')) ? parts : null;
}

export function snapshotKeyOf(bytes: Buffer): KeyObject {
  return createSecretKey(bytes);
}

/** Each part but the last has a form without a line break, so no two different snapshots have the same bytes. */
function macOf(key: KeyObject, { rotationId, tenantId, version, final, view }: SealedParts): Buffer {
  return createHmac('sha256', key)
    .update(`rekey-snapshot-1\n${rotationId}\n${tenantId}\n${version}\n${final ? 1 : 0}\n${view}`)
    .digest();
}
