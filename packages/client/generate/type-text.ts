/** As much of JSON Schema as our document uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly description?: string;
}

export type Schemas = Readonly<Record<string, Schema>>;

/** The TypeScript type of what such a schema admits. Throws at what it does not know, so that nothing is typed wrongly. */
export function typeText(schema: Schema, schemas: Schemas, indent = ''): string {
  if (schema.$ref !== undefined) return typeText(named(schema.$ref, schemas), schemas, indent);
  if (schema.enum !== undefined) return schema.enum.map(literal).join(' | ');
  if (schema.anyOf !== undefined) {
    return [...new Set(schema.anyOf.map((one) => typeText(one, schemas, indent)))].join(' | ');
  }
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      return `Array<${typeText(schema.items ?? {}, schemas, indent)}>`;
    case 'object':
      return objectText(schema, schemas, indent);
    default:
      throw new Error(`no type is known for the schema ${JSON.stringify(schema)}`);
  }
}

function objectText(schema: Schema, schemas: Schemas, indent: string): string {
  const { properties = {}, required = [], additionalProperties } = schema;
  const inner = `${indent}  `;
  const fields = Object.entries(properties).map(([name, field]) => {
    const mark = required.includes(name) ? '' : '?';
    const comment = field.description === undefined ? '' : `${inner}/** ${comments(field.description)} */\n`;
    return `${comment}${inner}readonly ${key(name)}${mark}: ${typeText(field, schemas, inner)};\n`;
  });
  if (fields.length > 0) return `{\n${fields.join('')}${indent}}`;
  if (typeof additionalProperties === 'object')
    return `Readonly<Record<string, ${typeText(additionalProperties, schemas, indent)}>>`;
  return `Readonly<Record<string, ${additionalProperties === false ? 'never' : 'unknown'}>>`;
}

/** Text that cannot end the comment it stands in. */
export function comments(text: string): string {
  return text.replaceAll('*/', '* /').replaceAll(/\s+/g, ' ');
}

function named(reference: string, schemas: Schemas): Schema {
  const schema = schemas[reference.replace('#/components/schemas/', '')];
  if (schema === undefined) throw new Error(`the document has no ${reference}`);
  return schema;
}

function literal(value: unknown): string {
  return typeof value === 'string' ? quoted(value) : JSON.stringify(value);
}

function key(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : quoted(name);
}

export function quoted(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}
