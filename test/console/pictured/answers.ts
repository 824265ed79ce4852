import assert from 'node:assert/strict';
import type { BrowserContext, Route } from 'playwright-core';
import { document, undocumented } from '../../harness/documented.ts';
import { campaign, campaigns, members, simulation } from './campaigns.ts';
import { blastRadius, checkpoint, destruction, keks, key, keys, processes, tenants } from './fleet.ts';
import { failures, ranges, samples, timeline } from './of-a-rotation.ts';
import { audit, summary } from './overview.ts';
import { defaultPolicy, tenantPolicy } from './policies.ts';
import { rewrap, rewrapPlan, rewraps } from './rewraps.ts';
import { plan, rotation, rotations } from './rotations.ts';
import { now } from './told.ts';

/** The last part of a path that is an id, and the query. */
type Asked = (id: string, query: URLSearchParams) => unknown;

const answers: Readonly<Record<string, Asked>> = {
  getSummary: () => summary,
  listRotations: (_, query) => rotations(query.get('status'), query.get('tenantId')),
  getRotation: rotation,
  getRotationTimeline: timeline,
  getRotationRanges: ranges,
  getRotationSamples: samples,
  listRotationFailures: failures,
  planRotation: () => plan,
  getPlan: () => plan,
  listKeys: (_, query) => keys(query.get('tenantId')),
  getKey: () => key,
  getDestruction: () => destruction,
  getBlastRadius: () => blastRadius,
  listTenants: () => tenants,
  getTenantPolicy: () => tenantPolicy,
  getDefaultPolicy: () => defaultPolicy,
  listWorkers: () => processes,
  listKeks: () => keks,
  listCampaigns: () => campaigns,
  getCampaign: () => campaign,
  listCampaignTenants: () => members,
  simulateCampaign: () => simulation,
  listRewraps: () => rewraps,
  getRewrap: () => rewrap,
  planRewrap: () => rewrapPlan,
  listAudit: () => audit,
  listCheckpoints: () => ({ checkpoints: [checkpoint] }),
};

const prefix = '/console/api/v1/admin';
const operations = Object.entries(document.paths).flatMap(([path, methods]) => {
  const pattern = new RegExp(`^${path.replaceAll(/\{\w+\}/g, '([^/]+)')}$`);
  return Object.entries(methods).map(([method, operation]) => ({ pattern, method, operation }));
});

/** The first word of it is enough: which one it is, no page shows. */
function messageOf(schema: { readonly $ref?: string }): unknown {
  const named = document.components.schemas[schema.$ref?.split('/').at(-1) ?? ''] as {
    properties: {
      message: { const?: string; enum?: string[]; anyOf?: Array<{ const?: string; enum?: string[] }> };
    };
  };
  const { message } = named.properties;
  const one = message.anyOf?.[0] ?? message;
  return one.const ?? one.enum?.[0];
}

function answerTo(
  method: string,
  url: URL,
): { readonly status: number; readonly type: string; readonly text: string } {
  const path = url.pathname.replace('/console/', '/');
  for (const { pattern, method: ofIt, operation } of operations) {
    const [found, id = ''] = pattern.exec(path) ?? [];
    if (found === undefined || ofIt !== method.toLowerCase()) continue;
    if (operation.operationId === 'followRotation')
      // The stream ends there; the page comes back for the next one at once, and stays live.
      return {
        status: 200,
        type: 'text/event-stream',
        text: `retry: 300\nevent: snapshot\ndata: ${JSON.stringify(rotation(id))}\n\n`,
      };
    const asked = answers[operation.operationId];
    const status = operation.responses[200] === undefined ? 202 : 200;
    const schema = operation.responses[status]?.content['application/json']?.schema;
    if (asked === undefined || schema === undefined) break;
    const body = {
      success: true,
      message: messageOf(schema),
      data: asked(decodeURIComponent(id), url.searchParams),
      timestamp: now,
    };
    return { status, type: 'application/json', text: JSON.stringify(body) };
  }
  throw new Error(`nothing is pictured of ${method} ${url.pathname}`);
}

/**
 * Answers all that a page asks of the operations, the same each time: what is shown neither ages nor moves. Each answer is one that
 * the API may give by its document.
 */
export async function answerFrom(context: BrowserContext, complaints: string[]): Promise<void> {
  await context.route(`**${prefix}/**`, async (route: Route) => {
    const request = route.request();
    const url = new URL(request.url());
    try {
      const { status, type, text } = answerTo(request.method(), url);
      const target = url.pathname.replace('/console/', '/');
      const headers = { 'content-type': type, 'x-request-id': 'pictured' };
      const wrong = undocumented({ method: request.method(), target, status, headers, text });
      assert.equal(wrong, null);
      await route.fulfill({ status, headers, body: text });
    } catch (error) {
      complaints.push(String(error));
      await route.abort();
    }
  });
}
