/**
 * Declarations for compiling and testing, never in the connector's jar: the rows of a configuration screen.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package org.sourceid.saml20.adapter.gui;
