import type { Kek } from './kek.ts';
import { parseKekNames } from './kek-names.ts';
import { createKekTemplate, type KekTemplate } from './kek-template.ts';
import type { Keks } from './keks.ts';
import { KmsError } from './kms-error.ts';
import { openKek } from './open-kek.ts';
import { isPrivateHost, needPublicHost } from './public-address.ts';

/** What a process may make KEKs of tenants from. */
export interface TenantKekRules {
  readonly templates: ReadonlyMap<string, KekTemplate>;
  /** `any`: also of this machine and of private networks, as where all of it is in one. */
  readonly addresses: 'public' | 'any';
}

/** A tenant's KEK, as the tenant chose it. */
export interface ChosenKek {
  readonly tenantId: string;
  /** Of the template. */
  readonly name: string;
  readonly parts: Readonly<Record<string, string>>;
}

/** Templates by name, `name=template`, separated by commas or line ends. Throws `INVALID_URI`, in a line for an operator. */
export function parseKekTemplates(
  text: string,
  addresses: TenantKekRules['addresses'],
): Map<string, KekTemplate> {
  const named = parseKekNames(text);
  if (named === null)
    throw new KmsError(
      'INVALID_URI',
      'KEK templates are name=uri, separated by commas or line ends, each name once',
    );
  const templates = named.map(({ name, uri }) => createKekTemplate(name, uri));
  const within = templates.find(({ host }) => addresses === 'public' && isPrivateHost(host));
  if (within !== undefined)
    throw new KmsError('INVALID_URI', `KEK template ${within.name}: its host is not of the public network`);
  return new Map(templates.map((template) => [template.name, template]));
}

/** KEKs that also open those of tenants, by these templates. */
export function allowTenantKeks(keks: Keks, rules: TenantKekRules): Keks {
  return { ...keks, tenantKeks: rules };
}

/**
 * Opens a tenant's KEK. Nothing is sent before everything about it is found in order; and each time that it is to be used it is
 * looked where its host leads by now.
 *
 * @throws KmsError `NOT_HELD` where this process has no such template; what `fill` and `openKek` throw
 */
export async function openTenantKek(
  { templates, addresses }: TenantKekRules,
  { tenantId, name, parts }: ChosenKek,
): Promise<Kek> {
  const template = templates.get(name);
  if (template === undefined)
    throw new KmsError('NOT_HELD', `this process has no KEK template ${name}`, { kekId: name });
  const { uri, kekId, host } = template.fill(tenantId, parts);
  const kek = await openKek(uri);
  if (kek.id !== kekId) {
    await kek.close();
    throw new KmsError('INVALID_URI', `KEK template ${name}: it leads to another KEK`);
  }
  if (addresses === 'any') return kek;
  return {
    id: kek.id,
    uri: kek.uri,
    async wrap(dek, aad) {
      await needPublicHost(host, kekId);
      return kek.wrap(dek, aad);
    },
    async unwrap(wrapped, aad) {
      await needPublicHost(host, kekId);
      return kek.unwrap(wrapped, aad);
    },
    close: () => kek.close(),
  };
}

/** The least recently used beyond these is closed; when it is needed, it is opened again. */
const openMax = 500;
/** Who was given one may be at work with it. */
const closesAfterMs = 30_000;

/**
 * The same KEKs and those of tenants, opened when they are first asked for.
 *
 * @param find whose KEK an id is, and what it is made of; null: nobody's. What it throws is `UNAVAILABLE`
 */
export function withTenantKeks(
  keks: Keks,
  find: (kekId: string) => Promise<ChosenKek | null>,
): { readonly keks: Keks; closeOpened(): Promise<void> } {
  const { tenantKeks: rules } = keks;
  const opened = new Map<string, Promise<Kek>>();
  const close = (kek: Promise<Kek>): Promise<void> => kek.then((one) => one.close()).catch(() => {});
  if (rules === undefined || rules.templates.size === 0) return { keks, closeOpened: async () => {} };

  const open = async (kekId: string, notHeld: unknown): Promise<Kek> => {
    const chosen = await find(kekId).catch(() => {
      throw new KmsError('UNAVAILABLE', `KEK ${kekId}: whose it is could not be read`, { kekId });
    });
    if (chosen === null) throw notHeld;
    const kek = await openTenantKek(rules, chosen);
    if (kek.id === kekId) return kek;
    await kek.close();
    throw notHeld;
  };
  const closeOpened = async (): Promise<void> => {
    const all = [...opened.values()];
    opened.clear();
    await Promise.all(all.map(close));
  };
  return {
    keks: {
      ...keks,
      async of(kekId) {
        try {
          return await keks.of(kekId);
        } catch (error) {
          if (!(error instanceof KmsError) || error.code !== 'NOT_HELD') throw error;
          const kek = opened.get(kekId) ?? open(kekId, error);
          opened.delete(kekId);
          opened.set(kekId, kek);
          kek.catch(() => opened.delete(kekId));
          const [[oldest, itsKek] = []] = opened;
          if (opened.size > openMax && oldest !== undefined && itsKek !== undefined) {
            opened.delete(oldest);
            setTimeout(() => void close(itsKek), closesAfterMs).unref();
          }
          return kek;
        }
      },
    },
    closeOpened,
  };
}
