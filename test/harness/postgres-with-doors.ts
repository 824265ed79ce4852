import { chmod, chown, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type PostgresServer, startPostgres } from '@rekey/stack';
import { postgresUser } from '../../packages/stack/src/run-folder.ts';
import { type Owner, thisFile } from './cleanup.ts';

/** Made once, for `localhost`, by an authority whose key was thrown away: they are good for a hundred years, or bad. */
const folderOfCertificates = fileURLToPath(new URL('../db/certificates/', import.meta.url));

export function certificate(name: 'ca' | 'server' | 'expired' | 'self-signed'): string {
  return join(folderOfCertificates, `${name}.pem`);
}

export interface PostgresWithDoors {
  readonly server: PostgresServer;
  readonly port: number;
  readonly password: string;
  /** Of its Unix socket. */
  readonly folder: string;
}

/** A Postgres that listens on IPv4, IPv6 and a Unix socket; with TLS when it has a certificate. */
export async function postgresWithDoors(
  certificateName: 'server' | 'expired' | 'self-signed' | null,
  settings: Record<string, string> = {},
  owner: Owner = thisFile,
): Promise<PostgresWithDoors> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-doors-'));
  owner.after(() => rm(folder, { recursive: true, force: true }));
  const key = join(folder, 'server.key');
  await copyFile(join(folderOfCertificates, 'server.key'), key);
  await chmod(key, 0o600);
  const user = postgresUser();
  if (user !== undefined) for (const path of [folder, key]) await chown(path, user.uid, user.gid);
  const tls =
    certificateName === null
      ? {}
      : { ssl: 'on', ssl_cert_file: await copied(certificateName, folder), ssl_key_file: key };
  const server = await startPostgres({
    settings: { listen_addresses: '127.0.0.1,::1', unix_socket_directories: folder, ...tls, ...settings },
  });
  owner.after(() => server.stop());
  const { port, password } = new URL(server.url);
  return { server, port: Number(port), password, folder };
}

/** Where the server's own user can read it. */
async function copied(name: 'server' | 'expired' | 'self-signed', folder: string): Promise<string> {
  const path = join(folder, `${name}.pem`);
  await copyFile(certificate(name), path);
  return path;
}
