import { type Command, UsageError } from '../command.ts';
import { completionScript, shells } from '../completion-script.ts';
import { exitCodes } from '../exit-codes.ts';

export function completion(others: () => readonly Command[]): Command {
  return {
    name: 'completion',
    operands: ['shell'],
    about: `print completion for ${shells.join(', ')}`,
    remote: false,
    async run(call) {
      const shell = shells.find((one) => one === call.operands[0]);
      if (shell === undefined) throw new UsageError(`The shell is one of ${shells.join(', ')}.`);
      const script = completionScript(shell, others());
      call.tell({ shell, script }, () => call.out.raw(script));
      return exitCodes.completed;
    },
  };
}
