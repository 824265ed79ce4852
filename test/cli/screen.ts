import { type Look, type Output, openOutput } from '../../apps/cli/src/output.ts';

/** A terminal of so many columns, or none, and what was written to it. */
export function screen(columns: number | null, look: Look): { readonly output: Output; text(): string } {
  let written = '';
  const stream = {
    ...(columns === null ? {} : { isTTY: true, columns }),
    write(text: string) {
      written += text;
    },
  };
  return { output: openOutput(stream, look), text: () => written };
}
