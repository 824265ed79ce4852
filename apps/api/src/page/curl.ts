import type { Operation } from './document.ts';

/** The call as somebody pastes it into a shell, with `URL` and `TOKEN` set there. */
export function curlOf(method: string, path: string, operation: Operation): string {
  const { parameters = [], requestBody } = operation;
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => exampleOf(operation, name));
  const verb = method === 'get' || (method === 'post' && requestBody?.required === true);
  const first = `curl -s${verb ? '' : ` -X ${method.toUpperCase()}`} "$URL${filled}"`;
  const headers = parameters
    .filter(({ in: where, required }) => where === 'header' && required)
    .map(({ name }) => `-H ${quoted(`${name}: ${exampleOf(operation, name)}`)}`);
  const [type, { example } = {}] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  const lines = [
    first,
    ...(operation['x-roles'] === undefined ? [] : ['-H "Authorization: Bearer $TOKEN"']),
    ...acceptOf(operation),
    ...headers,
    ...(type === undefined ? [] : [`-H 'Content-Type: ${type}'`, `-d ${quoted(JSON.stringify(example))}`]),
  ];
  return lines.join(' \\\n  ');
}

/** Only where JSON is not what comes by itself. */
function acceptOf({ responses }: Operation): string[] {
  const [type] = Object.keys(responses['200']?.content ?? {});
  return type === undefined || type === 'application/json' || type === 'text/html'
    ? []
    : [`-H 'Accept: ${type}'`];
}

function exampleOf({ parameters = [] }: Operation, wanted: string): string {
  return String(parameters.find(({ name }) => name === wanted)?.example ?? '');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
