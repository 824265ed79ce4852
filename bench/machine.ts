import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { openRedis } from '@rekey/jobs';
import { Client } from 'pg';
import { settingsShown } from './rig/postgres-settings.ts';

/** Where and with what the figures were taken. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly postgresSettings: Readonly<Record<string, string>>;
}

export async function describeMachine(databaseUrl: string, redisUrl: string): Promise<Machine> {
  const { version, settings } = await describePostgres(databaseUrl);
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()} ${release()}`,
    versions: {
      node: process.versions.node,
      openssl: process.versions.openssl,
      postgres: version,
      redis: await redisVersion(redisUrl),
      ...Object.fromEntries(['bullmq', 'fastify', 'ioredis', 'pg'].map((name) => [name, versionOf(name)])),
    },
    postgresSettings: settings,
  };
}

export function renderMachine({
  cpu,
  cores,
  memoryGiB,
  system,
  versions,
  postgresSettings,
}: Machine): string {
  const list = (of: Readonly<Record<string, string>>): string =>
    Object.entries(of)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}\n${list(versions)}\nPostgres: ${list(postgresSettings)}\n`;
}

async function describePostgres(
  url: string,
): Promise<{ version: string; settings: Readonly<Record<string, string>> }> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string; value: string }>(
      `select name, current_setting(name) as value from pg_settings where name = any ($1) order by name`,
      [['server_version', ...settingsShown]],
    );
    const { server_version = 'unknown', ...settings } = Object.fromEntries(
      rows.map(({ name, value }) => [name, value]),
    );
    return { version: server_version, settings };
  } finally {
    await client.end();
  }
}

async function redisVersion(url: string): Promise<string> {
  const client = openRedis(url, 'patient', () => {});
  try {
    return /^redis_version:(\S+)/m.exec(await client.info('server'))?.[1] ?? 'unknown';
  } finally {
    client.disconnect();
  }
}

function versionOf(name: string): string {
  const manifest: unknown = createRequire(import.meta.url)(`${name}/package.json`);
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
}
