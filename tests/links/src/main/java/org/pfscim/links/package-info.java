/**
 * Checks that a jar links, without running it. Looks up each type, method and field to which it refers outside the JDK and
 * itself. The rules are those of the virtual machine (JVM specification, 5.4.3).
 * Does not know: provisioning.
 */
package org.pfscim.links;
