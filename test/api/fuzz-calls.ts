import { randomUUID } from 'node:crypto';
import { document } from '../harness/documented.ts';
import { randomFrom } from '../harness/random.ts';
import { bearer, type Call } from './live-api.ts';

interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}
interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly required: boolean;
  readonly schema: Schema;
  readonly example?: unknown;
}
interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { schema: Schema; example: unknown }>> };
}

/** What no field is meant to hold. */
const hostile: readonly string[] = [
  '',
  ' ',
  '0',
  '-1',
  '1e400',
  '9'.repeat(400),
  'null',
  '__proto__',
  'constructor',
  "'; drop table rekey.deks; --",
  '../../../etc/passwd',
  '%00',
  '%ff%fe',
  '%2e%2e%2f',
  '\u202e\ud83d\ude00',
  '<script>alert(1)</script>',
  '{"a":'.repeat(500),
  'x'.repeat(9_000),
  'rot-00000000-0000-0000-0000-000000000000',
  'dek-FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
];

/** Calls made from the document: some as it wants them, some nearly so, some by somebody who means harm. */
export function fuzzCalls(seed: number, tenants: readonly string[]) {
  const random = randomFrom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const one = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const met: string[] = [...tenants];
  const operations = Object.entries(document.paths).flatMap(([path, ofPath]) =>
    Object.entries(ofPath).map(([method, operation]) => ({
      method,
      path,
      operation: operation as Operation,
    })),
  );
  const callers = [
    ...Array.from({ length: 6 }, () => () => bearer()),
    ...['security_admin', 'security_operator', 'security_auditor', 'nobody'].map(
      (role) => () => bearer({ roles: [role], tenantId: one([...tenants, '*']) }),
    ),
    () => bearer({ exp: 1 }),
    () => ({ authorization: one(hostile.filter((text) => /^[\x20-\x7e]*$/.test(text))) }),
    () => ({}),
  ];

  const value = (schema: Schema, name: string, example: unknown): unknown => {
    if (/tenant/i.test(name)) return one(tenants);
    if (/Id$|retryOf/.test(name)) {
      const prefix = /^(rot|dek|rewrap|campaign)-/.exec(String(example ?? ''))?.[1];
      const fitting = met.filter((id) => prefix === undefined || id.startsWith(`${prefix}-`));
      return fitting.length > 0 && random() < 0.9 ? one(fitting) : `${prefix ?? 'rot'}-${randomUUID()}`;
    }
    if (schema.enum !== undefined) return one(schema.enum);
    if (schema.anyOf !== undefined) return value(one(schema.anyOf), name, example);
    if (schema.type === 'integer')
      return (
        (schema.minimum ?? 1) + below(Math.min(1_000, (schema.maximum ?? 100) - (schema.minimum ?? 1) + 1))
      );
    if (schema.type === 'boolean') return random() < 0.5;
    if (schema.type === 'null') return null;
    return example ?? 'yearly';
  };

  const bodyOf = ({ schema }: { schema: Schema }): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(schema.properties ?? {})
        .filter(([name]) => schema.required?.includes(name) === true || random() < 0.4)
        .map(([name, field]) => [name, value(field, name, undefined)]),
    );

  const broken = (body: unknown): Pick<Call, 'body' | 'raw'> => {
    switch (below(6)) {
      case 0:
        return { raw: JSON.stringify(body).slice(0, -1) };
      case 1:
        return { raw: Buffer.from([0xff, 0xfe, 0x00, 0x7b]) };
      case 2:
        return { body: [body] };
      case 3:
        return { raw: `{"__proto__":{"tenantId":1},"tenantId":${JSON.stringify(one(hostile))}}` };
      case 4:
        return { raw: '['.repeat(below(17_000)) };
      default:
        return {
          body: {
            ...(body as object),
            [one(['tenantId', 'reason', 'kek', 'more'])]: one([null, 1, {}, ...hostile]),
          },
        };
    }
  };

  return {
    /** Ids that an answer named: what a later call can be about. */
    learn(text: string): void {
      for (const [id] of text.matchAll(
        /\b(?:rot|dek|rewrap|campaign)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g,
      ))
        if (met.length < 2_000) met.push(id);
    },
    next(): { kind: string; call: Call } {
      const kind = one(['valid', 'valid', 'nearly', 'hostile'] as const);
      const { method, path, operation } = one(operations);
      const { parameters = [], requestBody } = operation;
      const odd = kind === 'valid' ? -1 : below(parameters.length + 3);
      const given = parameters
        .map((parameter, index): [Parameter, string] => {
          const good = String(value(parameter.schema, parameter.name, parameter.example));
          if (index !== odd) return [parameter, good];
          return [parameter, kind === 'nearly' ? `${good}x` : one(hostile)];
        })
        .filter(
          ([{ required, in: where }], index) =>
            required || where === 'path' || index === odd || random() < 0.3,
        );
      const of = (where: string) => given.filter(([parameter]) => parameter.in === where);
      let filled = path;
      for (const [{ name }, text] of of('path'))
        filled = filled.replace(
          `{${name}}`,
          kind === 'hostile' && /^%/.test(text) ? text : encodeURIComponent(text.toWellFormed()),
        );
      const query = of('query').map(
        ([{ name }, text]) => `${name}=${encodeURIComponent(text.toWellFormed())}`,
      );
      if (odd === parameters.length && kind === 'hostile')
        query.push(one(['a=1', '__proto__=1', 'limit=1&limit=2', '%', '=&=']));
      const headers = Object.fromEntries(
        of('header').map(([{ name }, text]) => [
          name,
          name === 'realmname' && kind === 'valid' ? 'default' : text.replaceAll(/[^\x20-\x7e]/g, ''),
        ]),
      );
      const media = requestBody?.content['application/json'];
      const body = media === undefined ? undefined : bodyOf(media);
      if (typeof body?.tenantId === 'string' && headers['x-tenantid'] !== undefined && odd < 0)
        headers['x-tenantid'] = body.tenantId;
      const sent = body === undefined ? {} : odd > parameters.length ? broken(body) : { body };
      const verb =
        odd === parameters.length && kind === 'nearly'
          ? one(['PUT', 'DELETE', 'GET', 'POST', 'PATCH', 'OPTIONS'])
          : method.toUpperCase();
      return {
        kind,
        call: {
          method: verb,
          path: `${filled}${query.length === 0 ? '' : `?${query.join('&')}`}`,
          headers: { ...one(callers)(), ...headers },
          ...(verb === 'GET' ? {} : sent),
        },
      };
    },
  };
}
