/** Markup that may stand in the page as it is. */
export interface Html {
  readonly markup: string;
}

type Piece = string | number | Html | readonly Html[];

/** A template whose pieces are text, escaped, unless they are markup of this very function. */
export function html(template: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  const texts = pieces.map((piece, index) => `${markupOf(piece)}${template[index + 1] ?? ''}`);
  return { markup: `${template[0] ?? ''}${texts.join('')}` };
}

export const nothing: Html = { markup: '' };

function markupOf(piece: Piece): string {
  if (typeof piece === 'string' || typeof piece === 'number') return escaped(String(piece));
  return 'markup' in piece ? piece.markup : piece.map(({ markup }) => markup).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** A sentence of the document, in which `code` stands between backticks. */
export function prose(text: string): Html {
  return html`${text
    .split('`')
    .map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`))}`;
}
