import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';

/** What is served, as it lies there: nothing is built, and nothing is asked of another host. */
const folder = new URL('../../console/', import.meta.url);
const libraries = { preact: 'preact', hooks: 'preact/hooks', htm: 'htm' } as const;

/** Each shows the same file: what is on it is decided by its address. */
const pages: ReadonlySet<string> = new Set([
  'sign-in',
  'rotations',
  'tenants',
  'keys',
  'fleet',
  'audit',
  'health',
  'policy',
  'campaigns',
  'rewraps',
]);

interface Asset {
  readonly bytes: Buffer;
  readonly type: string;
  readonly etag: string;
}

/** The console's page, scripts and styles, read once. */
export async function addShell(app: FastifyInstance): Promise<void> {
  const page = await readFile(new URL('index.html', folder), 'utf8');
  const assets = await readAssets();
  const headers = { ...pageHeaders, 'content-security-policy': policyFor(page) };
  const shell = asset(Buffer.from(page), '.html');
  const send = (request: FastifyRequest, reply: FastifyReply, { bytes, type, etag }: Asset): FastifyReply => {
    reply.headers({ ...headers, 'cache-control': 'no-cache', etag }).type(type);
    return request.headers['if-none-match'] === etag ? reply.code(304).send() : reply.send(bytes);
  };

  app.get('/console', async (request, reply) => send(request, reply, shell));
  app.get<{ Params: { page: string } }>('/console/:page', async (request, reply) => {
    if (!pages.has(request.params.page)) throw new ApiError('NOT_FOUND');
    return send(request, reply, shell);
  });
  app.get<{ Params: { page: string; id: string } }>('/console/:page/:id', async (request, reply) => {
    if (!['rotations', 'tenants', 'keys', 'campaigns', 'rewraps'].includes(request.params.page))
      throw new ApiError('NOT_FOUND');
    return send(request, reply, shell);
  });
  app.get<{ Params: { name: string } }>('/console/assets/:name', async (request, reply) => {
    const found = assets.get(request.params.name);
    if (found === undefined) throw new ApiError('NOT_FOUND');
    return send(request, reply, found);
  });
}

async function readAssets(): Promise<ReadonlyMap<string, Asset>> {
  const names = (await readdir(folder)).filter((name) => /\.(js|css|svg)$/.test(name));
  const own = names.map(
    async (name) => [name, asset(await readFile(new URL(name, folder)), extname(name))] as const,
  );
  const others = Object.entries(libraries).map(async ([name, library]) => {
    const file = fileURLToPath(import.meta.resolve(library));
    return [`${name}.js`, asset(await readFile(file), '.js')] as const;
  });
  return new Map(await Promise.all([...own, ...others]));
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

function asset(bytes: Buffer, extension: string): Asset {
  const etag = `"${createHash('sha256').update(bytes).digest('base64url')}"`;
  return { bytes, type: types[extension] ?? 'application/octet-stream', etag };
}

/** Scripts of this host alone, and the one import map in the page by its hash; no string ever becomes a script. */
function policyFor(page: string): string {
  const [, map = ''] = /<script type="importmap">([^<]*)<\/script>/.exec(page) ?? [];
  const hash = createHash('sha256').update(map).digest('base64');
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

const pageHeaders = {
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
};
