import { parseAwsKey } from './key-names/aws-kms.ts';
import { parseAzureKey } from './key-names/azure-kv.ts';
import { parseGcpKey } from './key-names/gcp-kms.ts';
import { parseTransitKey } from './key-names/hcvault.ts';
import { KmsError } from './kms-error.ts';

/**
 * KEKs that tenants bring: the URI of one, in which single words are the tenant's to fill in (`*`) or are its id (`{tenant}`).
 * Scheme, host, endpoint, mount, project, credentials and paths are the operator's, and stand in no word that is free.
 */
export interface KekTemplate {
  readonly name: string;
  readonly scheme: string;
  /** Whom it leads to; of a Region that is free, one of them. */
  readonly host: string;
  /** The free words, in the order in which they stand in it. */
  readonly parts: readonly string[];
  /**
   * The URI of a tenant's KEK.
   *
   * @throws KmsError `INVALID_URI`, repeating nothing of what was given
   */
  fill(tenantId: string, parts: Readonly<Record<string, string>>): FilledUri;
}

interface FilledUri {
  readonly uri: string;
  /** The id that the KEK will have. */
  readonly kekId: string;
  /** Whom it is reached at. */
  readonly host: string;
}

interface Shape {
  /** Of the URI behind its scheme, a group for each word that may be free; what is before and between is the operator's. */
  readonly form: RegExp;
  /** What a tenant may fill in. No character in it means anything in a URI. */
  readonly word: RegExp;
  readonly parse: (rest: string) => { readonly id: string; readonly host: string };
  /** Words of the right form, to try a template with. */
  readonly sample: Readonly<Record<string, string>>;
}

const hostOf = (url: string): string => new URL(url).hostname;
const word = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

const shapes: Readonly<Record<string, Shape>> = {
  'aws-kms': {
    form: /^arn:[a-z-]+:kms:(?<region>[^:]+):[0-9]{12}:key\/(?<key>[^/?]+)(?:\?.*)?$/d,
    word,
    parse(rest) {
      const { id, region, endpoint } = parseAwsKey(rest);
      const zone = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
      return { id, host: endpoint === undefined ? `kms.${region}.${zone}` : hostOf(endpoint) };
    },
    sample: { region: 'eu-central-1', key: '12345678-1234-1234-1234-123456789012' },
  },
  'azure-kv': {
    form: /^https?:\/\/[^/]+\/keys\/(?<key>[^/?]+)(?:\?.*)?$/d,
    // Azure tells names apart without regard to case: in another case the same key would be another KEK.
    word: /^[a-z0-9][a-z0-9-]{0,62}$/,
    parse: parseAzureKey,
    sample: { key: 'a' },
  },
  'gcp-kms': {
    form: /^projects\/[^/]+\/locations\/(?<location>[^/]+)\/keyRings\/(?<ring>[^/]+)\/cryptoKeys\/(?<key>[^/?]+)(?:\?.*)?$/d,
    word,
    parse(rest) {
      const { id, endpoint } = parseGcpKey(rest);
      return { id, host: hostOf(endpoint) };
    },
    sample: { location: 'europe-west3', ring: 'a', key: 'a' },
  },
  hcvault: {
    form: /^https?:\/\/[^/]+\/[^?]+\/keys\/(?<key>[^/?]+)(?:(?=\?(?:[^#]*&)?namespace=(?:[^&]*\/)?(?<namespace>[^&/]+)(?:&|$))|)(?:\?[^#]*)?$/d,
    word,
    parse(rest) {
      const { id, server } = parseTransitKey(rest);
      return { id, host: hostOf(server) };
    },
    sample: { key: 'a', namespace: 'a' },
  },
};

/** What may stand in the place of a free word: a beginning of the operator's, and then the word or the tenant's id. */
const free = /^[A-Za-z0-9_-]{0,63}(?:\*|\{tenant\})$/;

/** Of `name=template`. Throws `INVALID_URI`, with the template's name and nothing of its URI. */
export function createKekTemplate(name: string, template: string): KekTemplate {
  const no = (why: string): KmsError => new KmsError('INVALID_URI', `KEK template ${name}: ${why}`);
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9-]{0,31}):(.*)$/s.exec(template) ?? [];
  const shape = Object.hasOwn(shapes, scheme) ? shapes[scheme] : undefined;
  if (shape === undefined) throw no(`its scheme must be one of ${Object.keys(shapes).join(', ')}`);
  const found = shape.form.exec(rest);
  if (found === null) throw no('it is not well formed');
  const places = Object.entries(found.indices?.groups ?? {})
    .flatMap(([part, at]) => (at === undefined ? [] : [{ part, at }]))
    .filter(({ at: [from, to] }) => free.test(rest.slice(from, to)))
    .sort((a, b) => a.at[0] - b.at[0]);
  if (places.length === 0) throw no('nothing in it is free or the id of the tenant');

  /** `of`: what each free word becomes. */
  const filled = (tenantId: string, of: (part: string) => string): string => {
    let [text, end] = ['', 0];
    for (const { part, at } of places) {
      const place = rest.slice(...at);
      text += rest.slice(end, at[0]) + place.replace('{tenant}', tenantId).replace('*', () => of(part));
      [, end] = at;
    }
    return text + rest.slice(end);
  };
  const parsed = (text: string): FilledUri => {
    // A star, or braces, that stand anywhere else are no words of ours.
    if (/[*{}\s]/.test(text)) throw no('a free word stands where none may be');
    try {
      const { id, host } = shape.parse(text);
      return { uri: `${scheme}:${text}`, kekId: id, host };
    } catch (error) {
      if (error instanceof KmsError) throw no(error.message.replace(/^KEK: /, ''));
      throw error;
    }
  };
  const { host } = parsed(filled(nobody, (part) => shape.sample[part] ?? ''));
  const parts = places.filter(({ at }) => rest.slice(...at).endsWith('*')).map(({ part }) => part);
  return {
    name,
    scheme,
    host,
    parts,
    fill(tenantId, given) {
      if (!uuid.test(tenantId)) throw no('the id of the tenant is none');
      if (Object.keys(given).length !== parts.length) throw no(`it takes ${parts.join(', ') || 'no words'}`);
      for (const part of parts) {
        const value = Object.hasOwn(given, part) ? given[part] : undefined;
        if (typeof value !== 'string' || !shape.word.test(value)) throw no(`${part} is not well formed`);
      }
      return parsed(filled(tenantId, (part) => given[part] ?? ''));
    },
  };
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const nobody = '00000000-0000-4000-8000-000000000000';
