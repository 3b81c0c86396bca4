/**
 * Whether a jar links: every type, method and field that it refers to outside the JDK and itself, looked up as the
 * virtual machine would (JVM specification, 5.4.3), without running any of it. Knows class files and places of classes,
 * nothing of provisioning.
 */
package org.pfscim.links;
