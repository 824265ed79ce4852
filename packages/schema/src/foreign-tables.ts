/** What the third migration makes outside of the schema `rekey`. */
export const sampleTables = {
  migration: '0003_records.sql',
  names: ['public.credentials', 'public.api_keys', 'public.secrets'],
} as const;
