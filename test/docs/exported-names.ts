export interface ExportedName {
  readonly file: string;
  readonly name: string;
}

/** What a module gives to others, by the names they use: declarations, and lists with or without `from`. */
export function exportedNames(file: string, text: string): ExportedName[] {
  const declared = [
    ...text.matchAll(
      /^export (?:declare )?(?:abstract )?(?:async )?(?:const|let|function\*?|class|interface|type|enum) (\w+)/gm,
    ),
  ].map(([, name = '']) => name);
  const listed = [...text.matchAll(/^export (?:type )?(?:const )?\{([^}]*)\}/gm)].flatMap(([, list = '']) =>
    list
      .replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, '')
      .split(',')
      // Of `a as b` and `a: b` the latter is what others see.
      .map((item) => /(\w+)\s*$/.exec(item)?.[1] ?? '')
      .filter((name) => name !== ''),
  );
  return [...declared, ...listed].map((name) => ({ file, name }));
}

/** The words of a name, in lower case with hyphens between them: `createDEKKeyring`, `set-aside.ts`, `RANGE_ITEMS`. */
export function wordsOf(name: string): string {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .replace(/[^A-Za-z\d]+/g, '-')
    .toLowerCase();
}
