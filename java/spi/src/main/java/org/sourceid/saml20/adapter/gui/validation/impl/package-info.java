/**
 * Declarations for compiling and testing, never in the connector's jar: the checks of the console.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package org.sourceid.saml20.adapter.gui.validation.impl;
