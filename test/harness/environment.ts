const NAMES = [
  'TEST_DATABASE_ADMIN_URL',
  'TEST_TEMPLATE_DATABASE',
  'TEST_ROLES_PREFIX',
  'TEST_REDIS_URL',
  'TEST_REDIS_PREFIX',
] as const;

/** What test/run.ts tells the tests. @throws when they were started without it */
export function testEnvironment(name: (typeof NAMES)[number]): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run the tests with \`npm test -- <files>\`.`);
  return value;
}
