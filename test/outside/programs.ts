/** Programs in JavaScript, run in this folder, where what they import is installed. */

/** Both lint the document that they are given as the last argument, and print what they find as JSON. */
export const redocly = `
import { createConfig, lint } from '@redocly/openapi-core';
const config = await createConfig({ extends: ['recommended-strict'] });
const found = await lint({ ref: process.argv.at(-1), config });
process.stdout.write(JSON.stringify(found.map(({ ruleId, message, location: [place] }) => [ruleId, message, place.pointer])));
`;

/** With descriptions of operations, parameters and tags, which are not among the recommended rules. */
export const spectral = `
import { readFile } from 'node:fs/promises';
import core from '@stoplight/spectral-core';
import parsers from '@stoplight/spectral-parsers';
import rulesets from '@stoplight/spectral-rulesets';
const linter = new core.Spectral();
const rules = { 'operation-description': true, 'oas3-parameter-description': true, 'tag-description': true };
linter.setRuleset({ extends: [[rulesets.oas, 'recommended']], rules });
const text = await readFile(process.argv.at(-1), 'utf8');
const found = await linter.run(new core.Document(text, parsers.Json));
process.stdout.write(JSON.stringify(found.map(({ code, message, path }) => [code, message, path.join('/')])));
`;

interface Operation {
  readonly operationId: string;
  readonly parameters?: ReadonlyArray<{ in: string; name: string; required: boolean; example?: unknown }>;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example: unknown }>> };
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, unknown>> }>>;
}
export type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

/** An application that calls every operation by the generated types, and tells each with the status that it got. */
export function application(paths: Paths): string {
  const calls = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => {
      const { operationId, parameters = [], requestBody, responses } = operation;
      const given = (where: string) =>
        Object.fromEntries(
          parameters
            .filter((one) => one.in === where && one.required)
            .map(({ name, example }) => [name, example]),
        );
      const params = { path: given('path'), header: given('header') };
      const used = Object.entries(params).filter(([, fields]) => Object.keys(fields).length > 0);
      const isJson = responses['200']?.content['application/json'] !== undefined;
      const options = [
        ...(used.length === 0 ? [] : [`params: ${JSON.stringify(Object.fromEntries(used))}`]),
        ...(requestBody === undefined
          ? []
          : [`body: ${JSON.stringify(requestBody.content['application/json']?.example)}`]),
        ...(isJson ? [] : [`parseAs: 'text'`, `headers: { accept: '*/*' }`]),
      ];
      const call = `client.${method.toUpperCase()}('${path}', { ${options.join(', ')} })`;
      return `await tell('${operationId}' satisfies keyof operations, ${call});`;
    }),
  );
  return `
import createClient from 'openapi-fetch';
import type { operations, paths } from './api.ts';
declare const process: { env: Record<string, string> };
declare const console: { log(text: string): void };
const client = createClient<paths>({
  baseUrl: process.env['API'] ?? '',
  headers: { authorization: 'Bearer ' + process.env['TOKEN'] },
});
async function tell(id: string, call: Promise<{ response: Response }>): Promise<void> {
  console.log(id + ' ' + (await call).response.status);
}
${calls.join('\n')}
// @ts-expect-error: no such operation
client.GET('/api/v1/admin/nothing', {});
`;
}
