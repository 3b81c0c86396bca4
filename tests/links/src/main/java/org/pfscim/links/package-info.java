/**
 * Checks that a jar links, without running it: looks up each type, method and field to which it refers outside the JDK and
 * itself, as the virtual machine does (JVM specification, 5.4.3).
 * Does not know: provisioning.
 */
package org.pfscim.links;
