/**
 * The classes that a provisioning connector extends and the data it is handed.
 *
 * <p>Everything under {@code com.pingidentity} and {@code org.sourceid} in this project is a <em>declaration for
 * compiling and testing</em>, written from the documented names and descriptors of PingFederate 9.0 to 12.0 so that a
 * connector built here links against the real server. Only what exists in every supported release is declared. The
 * bodies are our own and hold just enough behaviour for the test host to drive a connector; where the real behaviour
 * is not known, the declaration says so. None of these classes is ever packaged in the connector's jar: PingFederate
 * brings its own, on one flat class path, and a second copy would shadow them.
 */
package com.pingidentity.provisioner.sdk;
