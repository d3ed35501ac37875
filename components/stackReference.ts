import * as pulumi from "@pulumi/pulumi";

/** A stack of this project: another one, or this one itself, whose last outputs it may read. */
export function stackReference(name: string, stack: string): pulumi.StackReference {
  return new pulumi.StackReference(name, {
    name: `${pulumi.getOrganization()}/${pulumi.getProject()}/${stack}`,
  });
}
