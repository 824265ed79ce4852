import { type Parameters, UrlProblem } from './url-problem.ts';

const pair = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/suy;

/** `host=db.example port=5432 user=rekey password='a b'`, libpq's other form; \ takes the next character as it is. */
export function parseKeywords(text: string): Parameters {
  const parameters: Parameters = new Map();
  pair.lastIndex = 0;
  while (pair.lastIndex < text.length) {
    const [, name = '', quoted, plain = ''] = pair.exec(text) ?? [];
    if (name === '') throw new UrlProblem("is no list of name=value or name='value', separated by spaces");
    parameters.set(name, (quoted ?? plain).replace(/\\(.)/gsu, '$1'));
  }
  return parameters;
}
