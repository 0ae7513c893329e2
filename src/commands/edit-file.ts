import { DroverError, failure } from "../model/errors.ts";
import type { Files } from "../model/ports.ts";
import { editScalar } from "../inventory/edit.ts";

/** Replaces one scalar of one of the fleet's files. Throws a DroverError when the file holds neither value. */
export async function editFleetFile(
  files: Files,
  edit: { readonly file: string; readonly key: string; readonly from: string; readonly to: string },
): Promise<void> {
  const bytes = await files.read(edit.file);
  if (bytes === null) throw new DroverError(failure("files-invalid", `${edit.file} is not there any more`));
  const result = editScalar(new TextDecoder().decode(bytes), edit.key, edit.from, edit.to);
  switch (result.kind) {
    case "ok":
      await files.write(edit.file, result.text);
      return;
    case "already":
      return;
    case "mismatch":
      throw new DroverError(
        failure(
          "files-invalid",
          `${edit.file}: ${edit.key} is neither ${edit.from} nor ${edit.to}; somebody changed it meanwhile`,
          `set ${edit.key}: "${edit.to}" in ${edit.file} by hand`,
        ),
      );
  }
}
