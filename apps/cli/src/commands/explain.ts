import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { explain as tellStory } from '../explain.ts';
import { tellText } from '../facts.ts';
import { sum } from '../rotation-text.ts';
import { look } from './one-rotation.ts';

const shownMax = 10;

export const explain: Command = {
  name: 'explain',
  operands: ['rotation'],
  about: 'tell the story of a rotation in plain sentences',
  remote: true,
  async run(call) {
    const [rotationId = ''] = call.operands;
    // As it was given: the story names commands to paste, and those hold nothing that came from elsewhere.
    const rotation = { ...(await look(call)), rotationId };
    const page = { path: { rotationId }, query: { limit: shownMax } };
    const setAside =
      sum(rotation.itemsFailed) === 0 ? [] : (await call.client().listRotationFailures(page)).data.failures;
    const sentences = tellStory(rotation, setAside);
    call.tell({ rotationId, sentences }, () => {
      for (const sentence of sentences) tellText(call.out, sentence);
    });
    return exitCodes.completed;
  },
};
