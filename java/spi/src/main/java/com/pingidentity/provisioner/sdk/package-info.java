/**
 * The base classes of a provisioning connector and the data that it exchanges with the engine.
 *
 * <p>All types in {@code com.pingidentity} and {@code org.sourceid} in this project are <em>declarations for compiling and
 * testing</em>. They follow the documented names and descriptors of PingFederate 9.0 to 12.0. So a connector that is built
 * with them links with the real server. Only members that exist in all supported releases are declared.
 *
 * <p>The method bodies are part of pfscim. They have only the behaviour that the Java host needs to call a connector. If the
 * real behaviour is unknown, the declaration says so.
 *
 * <p>The connector's jar contains none of these classes. PingFederate has its own on one flat class path, and a second copy
 * would hide them.
 */
package com.pingidentity.provisioner.sdk;
