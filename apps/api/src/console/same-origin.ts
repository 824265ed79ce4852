import type { FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';

/** Throws CROSS_SITE_REQUEST. */
export type RequireOwnPage = (request: FastifyRequest) => void;

/**
 * Takes a request only from a page of the console: what changes something must say so twice (`Origin`, `Sec-Fetch-Site`),
 * what reads must not say otherwise. The origins come from the configuration, never from `Host`.
 */
export function ownPagesOnly(origins: () => ReadonlySet<string>): RequireOwnPage {
  return ({ method, raw }) => {
    const { origin, 'sec-fetch-site': site } = raw.headersDistinct;
    const reads = method === 'GET' || method === 'HEAD';
    const fromHere = site === undefined ? reads : isOnly(site, reads ? readSites : writeSites);
    const ofUs = origin === undefined ? reads : isOnly(origin, origins());
    if (!fromHere || !ofUs) throw new ApiError('CROSS_SITE_REQUEST');
  };
}

/** `none`: somebody typed the address, or followed a bookmark. */
const readSites: ReadonlySet<string> = new Set(['same-origin', 'none']);
const writeSites: ReadonlySet<string> = new Set(['same-origin']);

function isOnly(values: readonly string[], allowed: ReadonlySet<string>): boolean {
  const [value, ...more] = values;
  return value !== undefined && more.length === 0 && allowed.has(value);
}
